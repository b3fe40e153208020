import { basename } from "node:path";
import type { ModelSettings } from "../agent/engine.js";
import type { ReconnectingClient } from "../client/reconnecting-client.js";
import type { InitOptions, WorkerInfo } from "../client/worker-client.js";
import { type Settings, withChanges } from "../config/settings.js";
import { systemClock } from "../core/clock.js";
import { AiwError } from "../core/errors.js";
import type { PictureFormat } from "../frame/pixel-format.js";
import type { FrameSink } from "../pipeline/frame-sink.js";
import { endWithin, howItEnded, lastSaid } from "../worker-process/worker-end.js";
import type { WorkerProcess } from "../worker-process/worker-process.js";
import type { CommandContext } from "./command-context.js";
import type { Machine } from "./machine.js";
import { type LinkUse, namedWorker, type ReachableWorker, startedWorker } from "./reachable-worker.js";
import { chooseSending, type Sending } from "./sending.js";

/** A worker with a model loaded, ready for frames. */
export interface WorkerSession {
  readonly client: ReconnectingClient;
  readonly info: WorkerInfo;
  /** The model as the worker sees it. */
  readonly modelPath: string;
  readonly sending: Sending;
  /** Takes a source's frames: the client itself, or what encodes them for it. */
  readonly sink: FrameSink;
  /** The worker's process as of now, if this command started it. */
  process(): WorkerProcess | undefined;
  /** A line on how often the worker was gone and is there again; "" where it never was. */
  losses(): string;
  /**
   * Opens another session on the same worker, with a connection of its own and the same settings but for the changes.
   * Closing it leaves the worker alone, which must be closed last.
   */
  another(signal: AbortSignal, changes?: SessionChanges): Promise<WorkerSession>;
  /** Ends the session, and the worker if this command started it; idempotent. */
  close(): Promise<void>;
}

/** In what another session may differ. */
export type SessionChanges = Partial<ModelSettings> & { readonly clientId?: string };

/** How long a lost worker is waited for to say how it ended, milliseconds. */
const LAST_WORDS_WAIT_MS = 1_000;

/** What a worker of ours has to end once the command is interrupted, milliseconds. */
const KILL_INTERRUPTED_AFTER_MS = 500;

/**
 * Connects to the worker that the settings name, or starts one; opens a session with the model.
 * @throws NO_MODEL, MODEL_… (MODEL_STALE for an optimised one whose original has changed), WORKER_…, PYTHON_…
 */
export async function openWorkerSession(
  settings: Settings,
  context: CommandContext,
  machine: Machine,
  signal: AbortSignal,
  link: LinkUse = { waitMs: 0 },
): Promise<WorkerSession> {
  const worker =
    settings.worker === undefined
      ? await startedWorker(settings, context, machine, signal, link)
      : await namedWorker(settings, context, link);
  const stop = async () => {
    await worker.own?.stop(context.interrupt.aborted ? KILL_INTERRUPTED_AFTER_MS : undefined);
  };
  return connectSession(worker, settings, context, stop, signal, link.clientId);
}

/** @param stop called when the session is closed, and when it can't be opened */
async function connectSession(
  worker: ReachableWorker,
  settings: Settings,
  context: CommandContext,
  stop: () => Promise<void>,
  signal: AbortSignal,
  clientId: string | undefined,
): Promise<WorkerSession> {
  const { ReconnectingClient } = await import("../client/reconnecting-client.js");
  const { progress } = context;
  const { address, modelPath, own } = worker;
  let client: ReconnectingClient | undefined;
  const close = async () => {
    // Once interrupted there is no time for one after the other: a frozen worker answers neither.
    const saidEnd = client?.shutdown();
    if (!context.interrupt.aborted) await saidEnd;
    await Promise.all([saidEnd, stop()]);
  };
  try {
    progress.step(`connecting to the worker at ${address}`);
    const connected = await ReconnectingClient.connect(worker.connection(), signal);
    client = connected;
    progress.step(`loading ${basename(modelPath)}`);
    const onAbort = () => void connected.shutdown();
    signal.addEventListener("abort", onAbort);
    const told = await initSession(client, settings, modelPath, clientId);
    signal.removeEventListener("abort", onAbort);
    // What can't be told of the model stays with the figures, as what the worker says of it does.
    const info = { ...told, warnings: [...worker.doubts, ...told.warnings] };
    client.onResult(({ outcome }) => "detections" in outcome && own?.hadResult());
    for (const warning of info.warnings) progress.note(`aiw: warning: ${warning}`);
    const receiver = { isLocal: client.isLocal, pixelFormats: info.pixelFormats };
    const sending = chooseSending(settings.pixel_format ?? "auto", receiver);
    const sink = sending.picture === undefined ? client : await encodingSink(client, sending.picture);
    const another = (until: AbortSignal, changes: SessionChanges = {}) => {
      const { model = modelPath, clientId: name = clientId, ...thresholds } = changes;
      const asked = withChanges(settings, thresholds);
      return connectSession({ ...worker, modelPath: model }, asked, context, async () => {}, until, name);
    };
    const losses = () => lossLine(connected.reconnects, own?.restarts ?? 0);
    const process = () => own?.current;
    return { client, info, modelPath, sending, sink, process, losses, another, close };
  } catch (thrown) {
    const error = signal.aborted ? signal.reason : await withLastWords(thrown, own?.current);
    await close();
    throw error;
  }
}

/** A line on how often the worker was gone and is there again; "" where it never was. */
function lossLine(reconnects: number, restarts: number): string {
  const lost = reconnects === 0 ? [] : [`the link to the worker was lost and came back ${times(reconnects)}`];
  const again = restarts === 0 ? [] : [`the worker was started again ${times(restarts)}`];
  return [...lost, ...again].join("; ");
}

const times = (n: number) => (n === 1 ? "once" : `${n} times`);

/** Its modules are loaded only where they are needed: sharp takes its time. */
async function encodingSink(client: ReconnectingClient, format: PictureFormat): Promise<FrameSink> {
  const [{ EncodingSink }, { encodePicture }] = await Promise.all([
    import("../pipeline/encoding-sink.js"),
    import("../pipeline/encode-picture.js"),
  ]);
  return new EncodingSink(client, format, (frame) => encodePicture(frame.data, frame, format), systemClock);
}

/** An error about a lost worker, with the last words of its process if that ended. */
export async function withLastWords(thrown: unknown, worker: WorkerProcess | undefined): Promise<unknown> {
  if (!(thrown instanceof AiwError) || thrown.code !== "WORKER_LOST" || worker === undefined) return thrown;
  const end = await endWithin(worker.exited, LAST_WORDS_WAIT_MS);
  if (end === undefined) return thrown;
  return new AiwError(
    "WORKER_LOST",
    `the worker process ended (${howItEnded(end)}) in mid-run${lastSaid(end)}`,
    {
      cause: thrown,
      detail: end.lastWords.join("\n"),
    },
  );
}

/** Names of classes are known only after Init: then they are turned into ids and Init is sent again. */
async function initSession(
  client: ReconnectingClient,
  settings: Settings,
  modelPath: string,
  clientId: string | undefined,
): Promise<WorkerInfo> {
  const { conf, iou, classes = [], require_provider: requireProvider } = settings;
  const base: InitOptions = {
    modelPath,
    ...(clientId === undefined ? {} : { clientId }),
    ...(conf === undefined ? {} : { confThreshold: conf }),
    ...(iou === undefined ? {} : { iouThreshold: iou }),
    ...(requireProvider === undefined ? {} : { requireProvider }),
  };
  if (classes.length === 0) return client.init(base);
  const { classNames } = await client.init(base);
  return client.init({ ...base, classes: classIds(classes, classNames) });
}

/** Names of the classes that are reported; undefined when all are. */
export function reportedClasses(
  settings: Settings,
  { classNames }: Pick<WorkerInfo, "classNames">,
): string[] | undefined {
  const { classes = [] } = settings;
  if (classes.length === 0) return undefined;
  return classes.map((wanted) => classNames[classId(wanted, classNames)] ?? wanted);
}

/** @throws CLASS_UNKNOWN */
export function classIds(wanted: readonly string[], names: readonly string[]): number[] {
  return wanted.map((one) => classId(one, names));
}

function classId(wanted: string, names: readonly string[]): number {
  const id = /^\d+$/.test(wanted) ? Number(wanted) : names.indexOf(wanted);
  if (id >= 0 && id < names.length) return id;
  const shown =
    names.length > 12 ? `${names.slice(0, 12).join(", ")}, … (${names.length})` : names.join(", ");
  throw new AiwError("CLASS_UNKNOWN", `the model has no class "${wanted}"; it has ${shown}`);
}
