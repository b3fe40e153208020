import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../core/clock.js";
import { AiwError, toAiwError } from "../core/errors.js";
import type { FrameFailure, SourceItem } from "../frame/frame.js";
import { type DecodedPicture, decodePicture } from "./decode-picture.js";
import type { FrameSource, SourceOptions } from "./frame-source.js";
import type { PictureFile } from "./picture-list.js";

/** Pictures that are decoded while the one before them is in use. */
const AHEAD = 2;
/** Decoded pictures are kept for the next round of a loop up to this many bytes in all. */
const KEPT_BYTES = 64 * 2 ** 20;

export interface PictureSourceOptions {
  /** What to call the source. */
  readonly name: string;
  /** A picture that cannot be decoded: throw, or yield a FrameFailure and go on. */
  readonly onUndecodable: "throw" | "yield";
}

/**
 * Pictures in the order given, as rgb24.
 * @throws USAGE for another pixel format
 */
export function openPictures(
  files: readonly PictureFile[],
  { name, onUndecodable }: PictureSourceOptions,
  options: SourceOptions,
): FrameSource {
  if (options.pixelFormat !== "auto" && options.pixelFormat !== "rgb24") {
    throw new AiwError(
      "USAGE",
      `--pixel-format ${options.pixelFormat}: pictures are sent as rgb24, jpeg or webp`,
    );
  }
  return new PictureSource(files, name, onUndecodable, options);
}

type Outcome = { readonly picture: DecodedPicture } | { readonly failure: AiwError };

class PictureSource implements FrameSource {
  readonly format = "rgb24";
  readonly live = false;
  readonly rateFps = null;
  private readonly kept = new Map<number, Outcome>();
  private keptBytes = 0;
  private closed = false;

  constructor(
    private readonly files: readonly PictureFile[],
    readonly name: string,
    private readonly onUndecodable: "throw" | "yield",
    private readonly options: SourceOptions,
  ) {}

  async *frames(): AsyncGenerator<SourceItem, void, undefined> {
    const { files, options } = this;
    const count = options.loop ? Number.POSITIVE_INFINITY : files.length;
    const ahead: Promise<Outcome>[] = [];
    let started = 0;
    let goodOnes = 0;
    for (let at = 0; at < count && !this.closed; at += 1) {
      for (; started < Math.min(count, at + 1 + AHEAD); started += 1) {
        ahead.push(this.outcome(started % files.length));
      }
      const outcome = await ahead.shift();
      const file = files[at % files.length];
      if (outcome === undefined || file === undefined || this.closed) return;
      const item = this.item(file, outcome, options.clock);
      if (!("failure" in item)) goodOnes += 1;
      if (at + 1 === files.length && goodOnes === 0 && options.loop) {
        throw new AiwError(
          "SOURCE_UNDECODABLE",
          `none of the ${files.length} pictures of ${this.name} can be decoded`,
        );
      }
      yield item;
      // Pictures that are kept cost no I/O: without this a loop over them would starve everything else.
      await nextTurn();
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    this.kept.clear();
  }

  /** Never rejects, so that one that was started ahead and is not wanted any more harms nobody. */
  private async outcome(index: number): Promise<Outcome> {
    const kept = this.kept.get(index);
    if (kept !== undefined) return kept;
    const file = this.files[index];
    if (file === undefined) throw new RangeError(`picture ${index} of ${this.files.length}`);
    try {
      const picture = await decodePicture(file, this.options.size);
      this.keep(index, { picture }, picture.data.length);
      return { picture };
    } catch (error) {
      return { failure: toAiwError(error) };
    }
  }

  private keep(index: number, outcome: Outcome, bytes: number): void {
    if (!this.options.loop || this.closed || this.keptBytes + bytes > KEPT_BYTES) return;
    if (this.kept.has(index)) return;
    this.kept.set(index, outcome);
    this.keptBytes += bytes;
  }

  private item(file: PictureFile, outcome: Outcome, clock: Clock): SourceItem {
    if ("failure" in outcome) {
      if (this.onUndecodable === "throw") throw outcome.failure;
      const failed: FrameFailure = {
        failure: outcome.failure,
        origin: { source: file.name, width: 0, height: 0 },
      };
      return failed;
    }
    const { data, width, height, native } = outcome.picture;
    return {
      data,
      width,
      height,
      format: "rgb24",
      origin: { source: file.name, ...native },
      capturedAtUs: clock.nowUs(),
      // The garbage collector takes it; buffers of one size would not fit the next picture.
      release: () => {},
    };
  }
}
