import type { Dial, ReconnectOptions } from "../client/reconnecting-client.js";
import type { ConnectOptions } from "../client/worker-client.js";
import { readWorkerAccess } from "../config/worker-access.js";
import type { Settings } from "../config/settings.js";
import type { AiwError } from "../core/errors.js";
import type { KeptWorker } from "../worker-process/kept-worker.js";
import type { CommandContext } from "./command-context.js";
import type { Machine } from "./machine.js";
import { dialOwnWorker, startOwnWorker, warnings } from "./own-worker.js";
import type { Progress } from "./progress.js";

/** How a session on a worker is held. */
export interface LinkUse {
  /** What the worker is to call it; by default "aiw". */
  readonly clientId?: string;
  /** How long a worker that is lost is tried for, or whether it is started again, milliseconds; 0 = not at all. */
  readonly waitMs: number;
  /** Whoever asks tells people of that, by what the client tells. */
  readonly isToldElsewhere?: boolean;
}

/** What a session is opened on. */
export interface ReachableWorker {
  /** For people: "127.0.0.1:7001". */
  readonly address: string;
  /** The model as the worker sees it. */
  readonly modelPath: string;
  /** What can't be told of the model. */
  readonly doubts: readonly string[];
  /** The worker that this command has started. */
  readonly own: KeptWorker | undefined;
  /** How each connection of a session is opened, and what is said of one that is lost. */
  connection(): ReconnectOptions;
}

/** A worker of this command's own. */
export async function startedWorker(
  settings: Settings,
  context: CommandContext,
  machine: Machine,
  signal: AbortSignal,
  { waitMs, isToldElsewhere = false }: LinkUse,
): Promise<ReachableWorker> {
  const {
    worker: own,
    modelPath,
    doubts,
  } = await startOwnWorker(requireModel(settings), settings, context, machine, signal);
  const { host, port } = own.current;
  // Of its restarts there are so many, and each has its time: that is limit enough.
  const giveUpAfterMs = waitMs > 0 ? Number.POSITIVE_INFINITY : 0;
  const onBack = () => isToldElsewhere || context.progress.note("aiw: the worker is back");
  const connection = () => ({ dial: dialOwnWorker(own, context), giveUpAfterMs, onBack });
  return { address: `${host}:${port}`, modelPath, doubts, own, connection };
}

/** The worker that --worker names. */
export async function namedWorker(
  settings: Settings,
  context: CommandContext,
  { waitMs, isToldElsewhere = false }: LinkUse,
): Promise<ReachableWorker> {
  const { progress, debug } = context;
  warnOfIdleSettings(settings, progress);
  const { host, port } = requireWorker(settings);
  const { token, tls, warnings: leaks } = await readWorkerAccess(settings, context.env);
  for (const text of leaks) progress.note(`aiw: warning: ${text}`);
  const connection = () => {
    let isAway = false;
    return {
      dial: dialNamed({ host, port, tls, token, onWarning: warnings(context) }),
      giveUpAfterMs: waitMs,
      onAway({ message }: AiwError) {
        const within = Number.isFinite(waitMs) ? `for ${waitMs / 1000} s ` : "";
        if (!isAway && !isToldElsewhere)
          progress.note(`aiw: warning: ${message}; trying ${within}to reach it again`);
        else if (isAway && debug) progress.note(`aiw: ${message}`);
        isAway = true;
      },
      onBack() {
        isAway = false;
        if (!isToldElsewhere) progress.note("aiw: the worker is back");
      },
    };
  };
  return {
    address: `${host}:${port}`,
    modelPath: requireModel(settings),
    doubts: [],
    own: undefined,
    connection,
  };
}

/** The client's modules are loaded when they are needed: the worker starts meanwhile. */
function dialNamed(options: ConnectOptions): Dial {
  return async (signal, lost) => {
    const { dialTo } = await import("../client/reconnecting-client.js");
    return dialTo(options)(signal, lost);
  };
}

/** Threads, engine and device are a worker's own, and one that runs elsewhere has chosen them. */
function warnOfIdleSettings({ threads, engine, device }: Settings, progress: Progress): void {
  for (const [name, value] of Object.entries({ threads, engine, device })) {
    if (value !== undefined)
      progress.note(`aiw: warning: --${name} has no effect on a worker that --worker names`);
  }
}

function requireModel({ model }: Settings): string {
  if (model === undefined) throw new Error("no model in the settings");
  return model;
}

function requireWorker(settings: Settings) {
  if (settings.worker === undefined) throw new Error("no worker in the settings");
  return settings.worker;
}
