import type { Settings } from "../config/settings.js";
import { type SourceName, sourceNames } from "../config/source-names.js";
import { systemClock } from "../core/clock.js";
import { AiwError } from "../core/errors.js";
import type { Pace } from "../pipeline/feed.js";
import type { FrameSource, SourceOptions } from "../source/frame-source.js";
import type { Machine } from "./machine.js";
import type { Sending } from "./sending.js";

/** What frames are fitted into unless told otherwise, pixels. */
export const DEFAULT_SIZE = { width: 640, height: 480 };

/** What a command is to look at. @throws NOT_BUILT */
export function sourcesOf(settings: Settings): SourceName[] {
  const names = sourceNames(settings);
  if (names.filter(({ kind }) => kind === "camera").length > 1) {
    throw new AiwError("NOT_BUILT", "several cameras at once are not built yet");
  }
  return names;
}

/** @param loop what the command needs, whatever --loop says (a bench repeats what is too short) */
export async function openNamedSource(
  name: SourceName,
  settings: Settings,
  sending: Sending,
  machine: Machine,
  loop: boolean,
  signal: AbortSignal,
): Promise<FrameSource> {
  const { openCamera, openSource } = await import("../source/open-source.js");
  const options: SourceOptions = {
    size: settings.size ?? DEFAULT_SIZE,
    pixelFormat: sending.source,
    loop: loop || settings.loop === true,
    clock: systemClock,
    signal,
    ffmpeg: () => machine.ffmpeg(settings.worker === undefined),
  };
  if (name.kind === "source") return openSource(name.uri, options);
  return openCamera(name.uri === "default" ? undefined : name.uri, options);
}

/** How `run` offers the frames of a source. */
export function paceOf(source: FrameSource, settings: Settings): Pace {
  const { fps, realtime } = settings;
  if (source.live) return { kind: "live", maxFps: fps };
  if (fps !== undefined) return { kind: "paced", fps };
  if (!realtime) return { kind: "lossless" };
  if (source.rateFps === null) {
    throw new AiwError("USAGE", `--realtime: ${source.name} has no rate of its own; give one with --fps`);
  }
  return { kind: "paced", fps: source.rateFps };
}
