import { spawn } from "node:child_process";
import { constants } from "node:os";
import { AiwError } from "../core/errors.js";
import { interrupted } from "./run-command.js";
import { type WorkerCommandOptions, workerEnv } from "./worker-command.js";

export interface ForegroundOptions extends WorkerCommandOptions {
  /**
   * Aborting it asks the worker to end (SIGTERM). Without it, SIGINT and SIGTERM of this process are
   * handed on, and end only the worker.
   */
  signal?: AbortSignal | undefined;
  /** Told of a signal that ended the worker and that nobody here has sent. */
  onKilled?: ((name: NodeJS.Signals) => void) | undefined;
}

/**
 * Runs `python -m aiw_worker --exit-with-stdin ARGS` with our stdout and stderr until it ends. However
 * this process ends, the worker ends too: it goes when its stdin closes.
 * @returns its exit code; 128 and the signal's number where a signal ended it, as a shell has it.
 * @throws AiwError WORKER_START when it cannot be run at all; INTERRUPTED when `signal` is already aborted.
 */
export async function runWorkerForeground(options: ForegroundOptions): Promise<number> {
  const { python, args, signal, onKilled } = options;
  if (signal?.aborted) throw interrupted(signal);
  const child = spawn(python, ["-m", "aiw_worker", "--exit-with-stdin", ...args], {
    env: workerEnv(options),
    stdio: ["pipe", "inherit", "inherit"],
    windowsHide: true,
    // A group of its own: a terminal would send its Ctrl-C to both of us, and we hand it on as well.
    detached: process.platform !== "win32",
  });
  child.stdin.on("error", () => undefined);
  const sent = new Set<NodeJS.Signals>();
  const handOn = (name: NodeJS.Signals) => {
    sent.add(name);
    child.kill(name);
  };
  const release = handOnSignals(handOn, signal);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", (cause) => {
        if (child.pid !== undefined) return;
        reject(new AiwError("WORKER_START", `the worker could not be started: ${cause.message}`, { cause }));
      });
      child.once("exit", (code, name) => {
        if (name !== null && !sent.has(name)) onKilled?.(name);
        resolve(code ?? 128 + (name === null ? 0 : constants.signals[name]));
      });
    });
  } finally {
    release();
  }
}

/** @returns what undoes it. */
function handOnSignals(send: (name: NodeJS.Signals) => void, signal: AbortSignal | undefined): () => void {
  if (signal !== undefined) {
    const onAbort = () => send("SIGTERM");
    signal.addEventListener("abort", onAbort, { once: true });
    return () => signal.removeEventListener("abort", onAbort);
  }
  process.on("SIGINT", send).on("SIGTERM", send);
  return () => {
    process.off("SIGINT", send).off("SIGTERM", send);
  };
}
