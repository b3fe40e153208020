import type { Settings } from "../config/settings.js";
import { type SourceName, sourceNames } from "../config/source-names.js";
import { AiwError } from "../core/errors.js";
import { type SampledFrame, type SplitFrames, sample, split } from "../optimize/sample.js";
import { streamName } from "../source/stream-name.js";
import type { CommandContext } from "./command-context.js";
import type { Machine } from "./machine.js";
import { LOOK, openNamedSource } from "./sources.js";

/** Frames that are sampled in all; a third of them calibrates, the others judge. */
const FRAMES = 96;
const FRAME_BYTES = 192 * 1024 * 1024;
/** Most frames that are looked at for them, of all sources together. */
const LOOKED = 3_000;
/** As long is a camera or a stream looked at, milliseconds, all of them together. */
const LIVE_MS = 30_000;

/** Nothing lost on the way, and what the quantiser's frames are in. */
const AS_RGB = { source: "rgb24", picture: undefined } as const;

export interface CalibrationFrames extends SplitFrames {
  /** Names of the sources, credentials masked. */
  readonly sources: readonly string[];
}

/**
 * Frames of what the model is to look at, spread over all of it (the first minutes of what is long): of --calibrate, else of the configured
 * source, else of the synthetic scene, with a warning.
 * @throws SOURCE_…, FFMPEG_…, INTERRUPTED
 */
export async function calibrationFrames(
  settings: Settings,
  machine: Machine,
  context: CommandContext,
): Promise<CalibrationFrames> {
  const { progress, interrupt } = context;
  const names = calibrationSources(settings);
  if (names.length === 0) {
    names.push({ kind: "source", uri: "synthetic:" });
    progress.note(
      "aiw: warning: calibrating with the synthetic scene, which is not what your model will see; give --calibrate SOURCE",
    );
  }
  const share = Math.ceil(FRAMES / names.length);
  const limits = { count: share, bytes: FRAME_BYTES / names.length, looked: LOOKED / names.length };
  const frames: SampledFrame[][] = [];
  const sources: string[] = [];
  for (const name of names) {
    progress.step(`taking frames of ${streamName(name.uri)}`);
    const source = await openNamedSource(name, settings, AS_RGB, machine, LOOK, context, interrupt);
    const close = () => void source.close();
    interrupt.addEventListener("abort", close);
    try {
      const endMs = performance.now() + LIVE_MS / names.length;
      const isOver = source.live ? () => performance.now() >= endMs : undefined;
      frames.push(await sample(source.frames(), { ...limits, isOver }));
      sources.push(source.name);
    } finally {
      interrupt.removeEventListener("abort", close);
      await source.close();
    }
    if (interrupt.aborted) throw interrupt.reason;
  }
  if (frames.some(({ length }) => length > 0)) return { ...split(frames), sources };
  throw new AiwError("SOURCE_EMPTY", `${sources.join(", ")} gave no frame to calibrate with`);
}

function calibrationSources(settings: Settings): SourceName[] {
  const { calibrate = [] } = settings;
  return calibrate.length > 0 ? calibrate.map((uri) => ({ kind: "source", uri })) : sourceNames(settings);
}
