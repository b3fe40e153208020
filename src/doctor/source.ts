import type { Settings } from "../config/settings.js";
import type { SourceName } from "../config/source-names.js";
import { systemClock } from "../core/clock.js";
import { AiwError, toAiwError } from "../core/errors.js";
import { isFailure } from "../frame/frame.js";
import type { FrameSource, SourceOptions } from "../source/frame-source.js";
import { openCamera, openSource } from "../source/open-source.js";
import { streamName } from "../source/stream-name.js";
import { JOIN_VIDEO_GROUP } from "./cameras.js";
import { type Check, verdicts } from "./check.js";

export interface SourceCheckOptions {
  readonly settings: Settings;
  /** The ffmpeg that was found. */
  readonly ffmpeg: string | undefined;
  readonly signal: AbortSignal;
}

/** Opens a source as run and bench do, and takes one frame of it. */
export async function checkSource(name: SourceName, options: SourceCheckOptions): Promise<Check> {
  const shown = streamName(name.uri);
  const { ok, failure, failed } = verdicts(`source:${shown}`, `configured ${name.kind}`);
  if (name.uri === "-") return ok("- (frames on stdin) is not looked at");
  const { signal } = options;
  let source: FrameSource | undefined;
  const onAbort = () => void source?.close();
  signal.addEventListener("abort", onAbort);
  try {
    source = await open(name, options);
    for await (const item of source.frames()) {
      if (isFailure(item)) return failed(item.failure);
      const { width, height } = item.origin;
      item.release();
      const rate = source.rateFps === null ? "" : ` at ${source.rateFps} fps`;
      return ok(`${shown} gives frames of ${width}x${height}${rate}`);
    }
    if (signal.aborted) throw signal.reason;
    return failure(`${shown} gives no frame`, "Check that it is whole, or name another with --source.");
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    return failure(...saidOf(toAiwError(thrown), name.kind));
  } finally {
    signal.removeEventListener("abort", onAbort);
    await source?.close();
  }
}

/** What is wrong, and the way out. */
function saidOf({ message, code, advice }: AiwError, kind: SourceName["kind"]): [string, string] {
  if (kind === "camera" && /permission denied|EACCES/i.test(message)) return [message, JOIN_VIDEO_GROUP];
  if (kind === "camera" && code === "SOURCE_NOT_FOUND") {
    return [message, "Plug it in, or name another: --camera /dev/video2, --camera rtsp://HOST/PATH"];
  }
  return [message, advice];
}

function open(
  { kind, uri }: SourceName,
  { settings, ffmpeg, signal }: SourceCheckOptions,
): Promise<FrameSource> {
  const options: SourceOptions = {
    size: settings.size ?? { width: 640, height: 480 },
    pixelFormat: "auto",
    loop: false,
    clock: systemClock,
    signal,
    ffmpeg: async () => {
      if (ffmpeg !== undefined) return ffmpeg;
      throw new AiwError("FFMPEG_MISSING", "it takes ffmpeg, and there is none that runs");
    },
  };
  return kind === "source"
    ? openSource(uri, options)
    : openCamera(uri === "default" ? undefined : uri, options);
}
