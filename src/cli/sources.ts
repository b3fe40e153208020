import type { Settings } from "../config/settings.js";
import type { SourceName } from "../config/source-names.js";
import { systemClock } from "../core/clock.js";
import { AiwError } from "../core/errors.js";
import type { Pace } from "../pipeline/feed.js";
import { CameraNotes } from "../reports/camera-notes.js";
import type { CameraChange } from "../source/camera-state.js";
import type { FrameSource, SourceOptions } from "../source/frame-source.js";
import type { CommandContext } from "./command-context.js";
import type { Machine } from "./machine.js";
import type { Sending } from "./sending.js";

/** What frames are fitted into unless told otherwise, pixels. */
export const DEFAULT_SIZE = { width: 640, height: 480 };

/** How a command uses a source, and the worker that looks at its frames. */
export interface SourceUse {
  /** Started again at its end, whatever --loop says: a bench repeats what is too short. */
  readonly loop: boolean;
  /** How long a camera is waited for that was there and is lost, microseconds. */
  readonly waitUs: number;
  /**
   * How long a worker that is lost is tried for, milliseconds; 0: not at all. A bench measures one: figures of two
   * are of neither.
   */
  readonly workerWaitMs: number;
  /** Told of each change of a camera's state, besides the people who are. */
  readonly onCamera?: (change: CameraChange) => void;
}

/** Until --duration or Ctrl-C. */
export const RUN: SourceUse = { loop: false, waitUs: Number.POSITIVE_INFINITY, workerWaitMs: 60_000 };
/** For months: whoever looks after the worker brings it back. */
export const SERVE: SourceUse = {
  loop: false,
  waitUs: Number.POSITIVE_INFINITY,
  workerWaitMs: Number.POSITIVE_INFINITY,
};
/** As long as a worker: what is measured is not a camera's absence. */
export const BENCH: SourceUse = { loop: true, waitUs: 10_000_000, workerWaitMs: 0 };
export const LOOK: SourceUse = { loop: false, waitUs: 0, workerWaitMs: 0 };

export async function openNamedSource(
  name: SourceName,
  settings: Settings,
  sending: Sending,
  machine: Machine,
  use: SourceUse,
  context: Pick<CommandContext, "progress" | "debug">,
  signal: AbortSignal,
  onChange = noteOn(context),
): Promise<FrameSource> {
  const { openCamera, openSource } = await import("../source/open-source.js");
  const tell = (change: CameraChange) => {
    use.onCamera?.(change);
    onChange(change);
  };
  const options: SourceOptions = {
    size: settings.size ?? DEFAULT_SIZE,
    pixelFormat: sending.source,
    loop: use.loop || settings.loop === true,
    clock: systemClock,
    signal,
    ffmpeg: () => machine.ffmpeg(settings.worker === undefined),
    camera: { waitUs: use.waitUs, onChange: tell },
  };
  if (name.kind === "source") return openSource(name.uri, options);
  return openCamera(name.uri === "default" ? undefined : name.uri, options);
}

/** Tells people of a camera's changes. */
function noteOn({
  progress,
  debug,
}: Pick<CommandContext, "progress" | "debug">): (change: CameraChange) => void {
  const notes = new CameraNotes();
  return (change) => {
    const line = notes.lineOf(change);
    if (line === undefined) return;
    progress.note(`aiw: ${line}`);
    if (debug && change.detail !== undefined) progress.note(change.detail);
  };
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
