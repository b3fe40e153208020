import type { Settings } from "../config/settings.js";
import type { SourceName } from "../config/source-names.js";
import type { FrameSource } from "../source/frame-source.js";
import type { CommandContext } from "./command-context.js";
import { Machine } from "./machine.js";
import { openPipeline, openSourceFor } from "./open-pipeline.js";
import type { SourceUse } from "./sources.js";
import { openWorkerSession, type WorkerSession } from "./worker-session.js";

/** Sources that are looked at one after the other. */
export type LaneNames = readonly [SourceName, ...SourceName[]];

/** All --source in one lane, and each --camera in a lane of its own: a camera has no end to wait for. */
export function lanesOf(names: readonly SourceName[]): LaneNames[] {
  const [first, ...rest] = names.filter(({ kind }) => kind === "source");
  const cameras = names.filter(({ kind }) => kind === "camera");
  return [
    ...(first === undefined ? [] : [[first, ...rest] as const]),
    ...cameras.map((camera) => [camera] as const),
  ];
}

/** A lane whose first source is open, with a session of its own. */
export interface OpenLane {
  readonly source: FrameSource;
  readonly rest: readonly SourceName[];
  readonly session: WorkerSession;
}

export interface OpenLanes {
  /** The first one on the worker, to be closed last. */
  readonly session: WorkerSession;
  readonly machine: Machine;
  /** Each is there, or fails, in its own time. */
  readonly lanes: readonly Promise<OpenLane>[];
}

/**
 * Opens one worker, and for each lane a session on it and the first source. Of several lanes one that
 * fails leaves the others alone; the worker is needed by all.
 */
export async function openLanes(
  lists: readonly LaneNames[],
  settings: Settings,
  context: CommandContext,
  use: SourceUse,
): Promise<OpenLanes> {
  const [only, ...others] = lists;
  if (only !== undefined && others.length === 0) {
    const [first, ...rest] = only;
    const { session, source, machine } = await openPipeline(first, settings, context, use);
    return { session, machine, lanes: [Promise.resolve({ source, rest, session })] };
  }
  const stop = new AbortController();
  const abort = () => stop.abort(context.interrupt.reason);
  context.interrupt.addEventListener("abort", abort);
  if (context.interrupt.aborted) abort();
  const { signal } = stop;
  const machine = new Machine(context, signal, settings);
  const opening = openWorkerSession(settings, context, machine, signal, { waitMs: use.workerWaitMs });
  const lanes = lists.map(async ([first, ...rest], index) => {
    const source = await openSourceFor(opening, first, settings, machine, use, context, signal);
    try {
      const session = index === 0 ? await opening : await (await opening).another(signal);
      return { source, rest, session };
    } catch (error) {
      await source.close();
      throw error;
    }
  });
  const settled = Promise.allSettled(lanes);
  try {
    return { session: await opening, machine, lanes };
  } catch (error) {
    stop.abort(error);
    await settled;
    throw error;
  } finally {
    void settled.then(() => context.interrupt.removeEventListener("abort", abort));
  }
}
