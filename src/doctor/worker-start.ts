import { toAiwError } from "../core/errors.js";
import type { Env } from "../worker-process/cache-dir.js";
import { startWorker, type WorkerProcess } from "../worker-process/worker-process.js";
import { type Check, NEEDS_PYTHON, verdicts } from "./check.js";
import type { Interpreter } from "./python.js";

export interface WorkerStartOptions {
  readonly interpreter: Interpreter | undefined;
  readonly env: Env;
  readonly workerDir: string;
  readonly cacheDir: string;
  /** Folder of the model that is to be loaded afterwards. */
  readonly modelDir?: string | undefined;
  readonly threads?: number | undefined;
  readonly engine?: string | undefined;
  readonly device?: string | undefined;
  readonly onLog?: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface StartedWorker {
  readonly check: Check;
  /** Ready for connections; whoever asked for it stops it. */
  readonly worker?: WorkerProcess;
  /** What it said while it started. */
  readonly log: string[];
}

const READY_WITHIN_MS = 45_000;
const ADVICE =
  "Mend the Python packages first; where they are whole, see all of it with: aiw worker --port 0 --debug";
const { ok, warning, failure } = verdicts("worker", "worker start");

/** Really starts the worker, as run and bench do, until it listens. */
export async function startCheckedWorker(options: WorkerStartOptions): Promise<StartedWorker> {
  const { interpreter, env, workerDir, cacheDir, modelDir, threads, engine, device, signal } = options;
  const log: string[] = [];
  if (interpreter === undefined) {
    const check = warning("not tried: there is no Python environment to start it in", NEEDS_PYTHON);
    return { check, log };
  }
  try {
    const worker = await startWorker({
      python: interpreter.python,
      kind: interpreter.kind,
      workerDir,
      cacheDir,
      args: [
        ...(modelDir === undefined ? [] : ["--model-dir", modelDir]),
        ...(threads === undefined ? [] : ["--threads", String(threads)]),
        ...(engine === undefined ? [] : ["--engine", engine]),
        ...(device === undefined ? [] : ["--device", device]),
      ],
      env,
      onLog: (line) => {
        log.push(line);
        options.onLog?.(line);
      },
      readyTimeoutMs: READY_WITHIN_MS,
      signal,
    });
    return { check: ok("starts, and listens on a free loopback port"), worker, log };
  } catch (thrown) {
    const error = toAiwError(thrown);
    if (error.code === "INTERRUPTED" || signal.aborted) throw error;
    return { check: failure(error.message, ADVICE), log };
  }
}
