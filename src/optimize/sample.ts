import { isFailure, type SourceItem } from "../frame/frame.js";

/** A frame's pixels, RGB, on their own. */
export interface SampledFrame {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export interface SampleLimits {
  /** Most frames that are kept. */
  readonly count: number;
  /** Most bytes that they may take together. */
  readonly bytes: number;
  /** Most frames that are looked at, decodable or not, of a source that may never end. */
  readonly looked: number;
  /** Whether it has taken long enough. */
  readonly isOver?: (() => boolean) | undefined;
}

/**
 * Frames spread evenly over a source of unknown length: every one at first, and each time there are twice
 * as many as wanted, only every second of them and of those to come.
 * @throws whatever the source fails with, before it has given a frame
 */
export async function sample(
  items: AsyncIterable<SourceItem>,
  { count, bytes, looked, isOver }: SampleLimits,
): Promise<SampledFrame[]> {
  let kept: SampledFrame[] = [];
  let held = 0;
  let every = 1;
  let seen = 0;
  let asked = 0;
  for await (const item of items) {
    asked++;
    if (!isFailure(item)) {
      if (seen % every === 0) {
        const { width, height, data } = item;
        kept.push({ pixels: Uint8Array.from(data), width, height });
        held += data.byteLength;
      }
      item.release();
      seen++;
    }
    if (kept.length > 1 && (kept.length >= 2 * count || held > 2 * bytes)) {
      kept = kept.filter((_, index) => index % 2 === 0);
      held = kept.reduce((sum, { pixels }) => sum + pixels.byteLength, 0);
      every *= 2;
    }
    if (asked >= looked || isOver?.() === true) break;
  }
  return spread(kept, Math.min(count, fitting(kept, bytes)));
}

/** How many of the frames fit, were they all of the mean size. */
function fitting(frames: readonly SampledFrame[], bytes: number): number {
  const held = frames.reduce((sum, { pixels }) => sum + pixels.byteLength, 0);
  return held <= bytes ? frames.length : Math.max(1, Math.floor((frames.length * bytes) / held));
}

/** `count` of the items, evenly spread from the first. */
function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]).filter(
    (item) => item !== undefined,
  );
}

/** Frames to calibrate with, and others of the same sources that the outcome is judged on. */
export interface SplitFrames {
  readonly calibrating: readonly SampledFrame[];
  readonly judging: readonly SampledFrame[];
}

/**
 * Every third frame of each source calibrates, the others judge; the sources take turns in both, so that
 * the first few of them are of all.
 */
export function split(sources: readonly (readonly SampledFrame[])[]): SplitFrames {
  const isCalibrating = (_: unknown, index: number) => index % 3 === 0;
  return {
    calibrating: interleaved(sources.map((frames) => frames.filter(isCalibrating))),
    judging: interleaved(sources.map((frames) => frames.filter((f, index) => !isCalibrating(f, index)))),
  };
}

function interleaved<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list.slice(i, i + 1))).flat();
}
