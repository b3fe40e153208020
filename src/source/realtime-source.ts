import { type Clock, waitUntil } from "../core/clock.js";
import { AiwError } from "../core/errors.js";
import { isFailure, type SourceItem } from "../frame/frame.js";
import type { FrameSource } from "./frame-source.js";

/**
 * A file as a camera would give it: its frames come at its own rate, whoever takes them, and each counts as captured
 * when it is due.
 * @param source takes over its closing
 * @throws USAGE where it has no rate of its own
 */
export function asCamera(source: FrameSource, clock: Clock): FrameSource {
  const { rateFps } = source;
  if (rateFps === null) {
    throw new AiwError("USAGE", `${source.name} has no rate of its own, so it can't be played as a camera`);
  }
  const stop = new AbortController();
  return {
    name: source.name,
    live: true,
    format: source.format,
    rateFps,
    frames: () => paced(source, rateFps, clock, stop.signal),
    close() {
      stop.abort();
      return source.close();
    },
  };
}

async function* paced(
  source: FrameSource,
  fps: number,
  clock: Clock,
  stop: AbortSignal,
): AsyncGenerator<SourceItem, void, undefined> {
  let startUs: number | undefined;
  let i = 0;
  for await (const item of source.frames()) {
    startUs ??= clock.nowUs();
    const dueUs = startUs + Math.round((i++ * 1e6) / fps);
    await waitUntil(clock, dueUs, stop);
    if (isFailure(item)) {
      yield item;
      continue;
    }
    if (stop.aborted) {
      item.release();
      return;
    }
    yield {
      data: item.data,
      width: item.width,
      height: item.height,
      format: item.format,
      origin: item.origin,
      truth: item.truth,
      capturedAtUs: dueUs,
      release: () => item.release(),
    };
  }
}
