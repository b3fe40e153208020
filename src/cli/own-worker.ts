import { dirname } from "node:path";
import type { Dial } from "../client/reconnecting-client.js";
import type { Settings } from "../config/settings.js";
import { AiwError } from "../core/errors.js";
import { checkFresh } from "../optimize/provenance.js";
import { environmentError } from "../worker-process/environment-error.js";
import { KeptWorker, RESTARTS_IN_A_ROW } from "../worker-process/kept-worker.js";
import { startWorker, type WorkerProcess } from "../worker-process/worker-process.js";
import type { CommandContext } from "./command-context.js";
import type { Machine } from "./machine.js";
import { modelPath } from "./model-path.js";

/** How long our own worker may take to accept a connection, milliseconds: it listens already. */
const CONNECT_WITHIN_MS = 10_000;

/** Starts a worker that is started again when it crashes. */
export async function startOwnWorker(
  model: string,
  settings: Settings,
  context: CommandContext,
  machine: Machine,
  signal: AbortSignal,
): Promise<{ readonly worker: KeptWorker; readonly modelPath: string; readonly doubts: readonly string[] }> {
  const { progress } = context;
  // Checked here, so that a file that is missing or no model is known before anything is made or started;
  // its real path, so that a link into another folder is inside the one folder that the worker may load from.
  const path = await modelPath(model, machine, context, signal).catch(async (error: unknown) => {
    // One that aiw has made can be made again.
    await checkFresh(model);
    throw error;
  });
  const doubt = await checkFresh(path);
  const { python, kind } = await machine.python();
  progress.step("starting the worker");
  const { threads, engine, device, log_format: logFormat } = settings;
  const start = (until: AbortSignal) =>
    startWorker({
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
      onLog: (line) => context.debug && progress.note(`worker: ${line}`),
      signal: until,
    }).catch((error: unknown) => {
      throw environmentError(error, { python, kind, engine });
    });
  const onRestart = (why: string, inARow: number) =>
    progress.note(
      `aiw: warning: ${why}; starting the worker again (${inARow} of ${RESTARTS_IN_A_ROW} in a row without a result)`,
    );
  const worker = await KeptWorker.start({ start, onRestart }, signal);
  return { worker, modelPath: path, doubts: doubt === undefined ? [] : [doubt] };
}

/** Dials our own worker; where the link was lost, the one that is started in its place. */
export function dialOwnWorker(worker: KeptWorker, context: CommandContext): Dial {
  let process: WorkerProcess | undefined;
  return async (signal, lost) => {
    // A session that begins while the worker of the others is being started again waits for it.
    process ??= await worker.whenThere();
    // One that refuses is there.
    if (lost !== undefined && lost.code !== "WORKER_REFUSED") {
      process = await worker.another(process, lost.message).catch((error: unknown) => {
        showLastWords(error, context);
        throw error;
      });
    }
    const { WorkerClient } = await import("../client/worker-client.js");
    const { host, port, token } = process;
    const options = { host, port, token, signal, onWarning: warnings(context) };
    return WorkerClient.connectOnce(options, CONNECT_WITHIN_MS);
  };
}

/** What is odd but harmless, for who looks for defects. */
export function warnings({ debug, progress }: CommandContext): (text: string) => void {
  return (text) => debug && progress.note(`aiw: ${text}`);
}

function showLastWords(error: unknown, { progress }: CommandContext): void {
  if (!(error instanceof AiwError) || error.code !== "WORKER_CRASHED") return;
  for (const line of error.detail?.split("\n") ?? []) if (line !== "") progress.note(`worker: ${line}`);
}
