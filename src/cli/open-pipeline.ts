import type { Settings } from "../config/settings.js";
import type { SourceName } from "../config/source-names.js";
import type { FrameSource } from "../source/frame-source.js";
import type { CommandContext } from "./command-context.js";
import { Machine } from "./machine.js";
import { chooseSending, OWN_WORKER } from "./sending.js";
import { openNamedSource, type SourceUse } from "./sources.js";
import { together } from "./together.js";
import { openWorkerSession, type WorkerSession } from "./worker-session.js";

/** Both ends of a pipeline: where frames come from, and who looks at them. */
export interface OpenPipeline {
  readonly session: WorkerSession;
  readonly source: FrameSource;
  /** For sources that are opened later. */
  readonly machine: Machine;
}

/** Opens both ends at once. */
export async function openPipeline(
  name: SourceName,
  settings: Settings,
  context: CommandContext,
  use: SourceUse,
): Promise<OpenPipeline> {
  const [session, source] = await together((signal) => {
    const machine = new Machine(context, signal, settings);
    const opening = openWorkerSession(settings, context, machine, signal, { waitMs: use.workerWaitMs });
    return [opening, openSourceFor(opening, name, settings, machine, use, context, signal)];
  }, context.interrupt);
  return { session, source, machine: new Machine(context, context.interrupt, settings) };
}

/** What another's worker takes, and whether a network lies between, is known only when it has answered. */
export async function openSourceFor(
  opening: Promise<WorkerSession>,
  name: SourceName,
  settings: Settings,
  machine: Machine,
  use: SourceUse,
  context: CommandContext,
  signal: AbortSignal,
): Promise<FrameSource> {
  const { pixel_format: asked = "auto", worker } = settings;
  const isKnown = asked !== "auto" || worker === undefined;
  const sending = isKnown ? chooseSending(asked, OWN_WORKER) : (await opening).sending;
  return openNamedSource(name, settings, sending, machine, use, context, signal);
}
