import { basename, dirname } from "node:path";
import type { InitOptions, WorkerClient, WorkerInfo } from "../client/worker-client.js";
import type { Settings } from "../config/settings.js";
import { systemClock } from "../core/clock.js";
import { AiwError } from "../core/errors.js";
import type { PictureFormat } from "../frame/pixel-format.js";
import { checkFresh } from "../optimize/provenance.js";
import type { FrameSink } from "../pipeline/frame-sink.js";
import { environmentError } from "../worker-process/environment-error.js";
import { startWorker, type WorkerProcess } from "../worker-process/worker-process.js";
import type { CommandContext } from "./command-context.js";
import type { Machine } from "./machine.js";
import { modelPath } from "./model-path.js";
import type { Progress } from "./progress.js";
import { chooseSending, type Sending } from "./sending.js";

/** A worker with a model loaded, ready for frames. */
export interface WorkerSession {
  readonly client: WorkerClient;
  readonly info: WorkerInfo;
  readonly sending: Sending;
  /** Takes a source's frames: the client itself, or what encodes them for it. */
  readonly sink: FrameSink;
  /** The worker's process, if this command started it. */
  readonly process: WorkerProcess | undefined;
  /** Ends the session, and the worker if this command started it; idempotent. */
  close(): Promise<void>;
}

/** How long a lost worker is waited for to say how it ended, milliseconds. */
const LAST_WORDS_WAIT_MS = 1_000;

/**
 * Connects to the worker that the settings name, or starts one; opens a session with the model.
 * @throws NO_MODEL, MODEL_… (MODEL_STALE for an optimised one whose original has changed), WORKER_…, PYTHON_…
 */
export async function openWorkerSession(
  settings: Settings,
  context: CommandContext,
  machine: Machine,
  signal: AbortSignal,
): Promise<WorkerSession> {
  const { WorkerClient } = await import("../client/worker-client.js");
  const { progress } = context;
  const model = requireModel(settings);
  const spawned =
    settings.worker === undefined ? await spawnWorker(model, settings, context, machine, signal) : undefined;
  if (spawned === undefined) warnOfIdleSettings(settings, progress);
  const { endpoint, modelPath } = spawned ?? { endpoint: requireWorker(settings), modelPath: model };
  let client: WorkerClient | undefined;
  const close = async () => {
    await client?.shutdown();
    await spawned?.process.stop();
  };
  try {
    progress.step(`connecting to the worker at ${endpoint.host}:${endpoint.port}`);
    client = await WorkerClient.connect({
      ...endpoint,
      signal,
      onWarning: (text) => context.debug && progress.note(`aiw: ${text}`),
    });
    progress.step(`loading ${basename(model)}`);
    const connected = client;
    const onAbort = () => void connected.shutdown();
    signal.addEventListener("abort", onAbort);
    const told = await initSession(client, settings, modelPath);
    signal.removeEventListener("abort", onAbort);
    // What can't be told of the model stays with the figures, as what the worker says of it does.
    const info = { ...told, warnings: [...(spawned?.doubts ?? []), ...told.warnings] };
    for (const warning of info.warnings) progress.note(`aiw: warning: ${warning}`);
    const receiver = { isLocal: client.isLocal, pixelFormats: info.pixelFormats };
    const sending = chooseSending(settings.pixel_format ?? "auto", receiver);
    const sink = sending.picture === undefined ? client : await encodingSink(client, sending.picture);
    return { client, info, sending, sink, process: spawned?.process, close };
  } catch (thrown) {
    const error = signal.aborted ? signal.reason : await withLastWords(thrown, spawned?.process);
    await close();
    throw error;
  }
}

/** Its modules are loaded only where they are needed: sharp takes its time. */
async function encodingSink(client: WorkerClient, format: PictureFormat): Promise<FrameSink> {
  const [{ EncodingSink }, { encodePicture }] = await Promise.all([
    import("../pipeline/encoding-sink.js"),
    import("../pipeline/encode-picture.js"),
  ]);
  return new EncodingSink(client, format, (frame) => encodePicture(frame.data, frame, format), systemClock);
}

/** An error about a lost worker, with the last words of its process if that ended. */
export async function withLastWords(thrown: unknown, worker: WorkerProcess | undefined): Promise<unknown> {
  if (!(thrown instanceof AiwError) || thrown.code !== "WORKER_LOST" || worker === undefined) return thrown;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, LAST_WORDS_WAIT_MS, undefined);
  });
  const end = await Promise.race([worker.exited, timeout]);
  clearTimeout(timer);
  if (end === undefined) return thrown;
  const how = end.signal === null ? `exit code ${end.code}` : `signal ${end.signal}`;
  // What a signal ended had no time to say why.
  const words = end.signal === null ? end.lastWords.at(-1) : undefined;
  const said = words === undefined ? "" : `; it said last: ${words}`;
  return new AiwError("WORKER_LOST", `the worker process ended (${how}) in mid-run${said}`, {
    cause: thrown,
    detail: end.lastWords.join("\n"),
  });
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

async function spawnWorker(
  model: string,
  settings: Settings,
  context: CommandContext,
  machine: Machine,
  signal: AbortSignal,
) {
  // Checked here, so that a file that is missing or no model is known before anything is made or started;
  // its real path, so that a link into another folder is inside the one folder that the worker may load from.
  const path = await modelPath(model, machine, context, signal).catch(async (error: unknown) => {
    // One that aiw has made can be made again.
    await checkFresh(model);
    throw error;
  });
  const doubt = await checkFresh(path);
  const { python, kind } = await machine.python();
  context.progress.step("starting the worker");
  const { threads, engine, device, log_format: logFormat } = settings;
  const worker = await startWorker({
    python,
    kind,
    workerDir: machine.workerDir,
    cacheDir: machine.cacheDir,
    args: [
      ...["--model-dir", dirname(path)],
      ...(threads === undefined ? [] : ["--threads", String(threads)]),
      ...(engine === undefined ? [] : ["--engine", engine]),
      ...(device === undefined ? [] : ["--device", device]),
      ...(logFormat === undefined ? [] : ["--log-format", logFormat]),
      ...(context.debug ? ["--debug"] : []),
    ],
    env: context.env,
    onLog: (line) => context.debug && context.progress.note(`worker: ${line}`),
    signal,
  }).catch((error: unknown) => {
    throw environmentError(error, { python, kind, engine });
  });
  return {
    ...{ process: worker, endpoint: { host: worker.host, port: worker.port }, modelPath: path },
    doubts: doubt === undefined ? [] : [doubt],
  };
}

/** Names of classes are known only after Init: then they are turned into ids and Init is sent again. */
async function initSession(client: WorkerClient, settings: Settings, modelPath: string): Promise<WorkerInfo> {
  const { conf, iou, classes = [], require_provider: requireProvider } = settings;
  const base: InitOptions = {
    modelPath,
    ...(conf === undefined ? {} : { confThreshold: conf }),
    ...(iou === undefined ? {} : { iouThreshold: iou }),
    ...(requireProvider === undefined ? {} : { requireProvider }),
  };
  if (classes.length === 0) return client.init(base);
  const { classNames } = await client.init(base);
  return client.init({ ...base, classes: classIds(classes, classNames) });
}

/** Names of the classes that are reported; undefined when all are. */
export function reportedClasses(settings: Settings, { classNames }: WorkerInfo): string[] | undefined {
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
