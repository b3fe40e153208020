import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { AiwError } from "../core/errors.js";
import { RingLines } from "../core/ring-lines.js";
import { findErrorLine } from "./error-line.js";
import { killTree } from "./kill-tree.js";
import { interrupted } from "./run-command.js";
import { type WorkerCommandOptions, workerEnv } from "./worker-command.js";

export { runWorkerForeground } from "./worker-foreground.js";

export interface StartWorkerOptions extends WorkerCommandOptions {
  /** Every line of its stderr, and of its stdout but for the ready line. */
  onLog?: (line: string) => void;
  /** Aborting it before the worker is ready stops the worker; afterwards call `stop`. */
  signal?: AbortSignal | undefined;
  /** Longest wait for the ready line, milliseconds. */
  readyTimeoutMs?: number;
  /** Time between asking it to stop and killing it, milliseconds. */
  killAfterMs?: number;
}

export interface WorkerExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The last lines of its stderr (20 at most), oldest first. */
  lastWords: string[];
}

/** A worker that is ready for connections. */
export interface WorkerProcess {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** What it asks its clients for; never to be shown. Only who started it knows it, so nobody else can use it. */
  readonly token: string;
  /** Resolves, never rejects, when the process has ended for whatever reason. */
  readonly exited: Promise<WorkerExit>;
  /**
   * Ends it politely, then by force. Called again, it is killed at the earliest time that was asked for.
   * Resolves when it has ended.
   * @param killAfterMs other than at its start
   */
  stop(killAfterMs?: number): Promise<void>;
}

const READY_LINE = /^aiw worker listening on (.+):(\d+)$/;
const STDERR_LINES = 200;
const LAST_WORDS = 20;
const TOKEN_BYTES = 32;
/** How long output is still read after the end; something the worker started may hold its streams open. */
const DRAIN_MS = 500;

/**
 * Starts a worker on a free loopback port and waits for its word that it listens. It ends with this
 * process, however that ends: it holds the other end of its stdin, and goes when that closes.
 * @throws AiwError WORKER_START (it could not be run, or ended before it was ready; with the worker's own
 *   error where it told one), WORKER_TIMEOUT, INTERRUPTED. In each case no process is left.
 */
export async function startWorker(options: StartWorkerOptions): Promise<WorkerProcess> {
  const { signal, onLog, readyTimeoutMs = 60_000, killAfterMs = 2_000 } = options;
  if (signal?.aborted) throw interrupted(signal);
  const args = [
    "-m",
    "aiw_worker",
    "--host",
    "127.0.0.1",
    "--port",
    "0",
    "--exit-with-stdin",
    ...options.args,
  ];
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  const child = spawn(options.python, args, {
    // In the environment, which other users can't read, unlike a command line.
    env: { ...workerEnv(options), AIW_TOKEN: token, AIW_TOKEN_FILE: undefined },
    stdio: ["pipe", "pipe", "pipe"],
    windowsHide: true,
    // A group of its own, so that a terminal's Ctrl-C comes to us alone and we stop it in good order.
    detached: process.platform !== "win32",
  });
  // What it says of a broken pipe, its end says too.
  child.stdin.on("error", () => undefined);

  const stderr = new RingLines(STDERR_LINES);
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    for (const line of stderr.push(chunk)) onLog?.(line);
  });
  const exited = watchExit(child, stderr);
  const stop = stopper(child, exited, killAfterMs);

  try {
    const address = await readiness(child, exited, { readyTimeoutMs, onLog, signal, stderr });
    return { ...address, pid: child.pid ?? 0, token, exited, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function watchExit(child: ChildProcess, stderr: RingLines): Promise<WorkerExit> {
  return new Promise((resolve) => {
    const settle = (code: number | null, signal: NodeJS.Signals | null) =>
      resolve({ code, signal, lastWords: stderr.last(LAST_WORDS) });
    child.once("close", settle);
    child.once("exit", (code, signal) => setTimeout(settle, DRAIN_MS, code, signal).unref());
    // It could not be spawned at all; `readiness` tells why.
    child.on("error", () => child.pid === undefined && settle(null, null));
  });
}

function stopper(
  child: ChildProcess,
  exited: Promise<WorkerExit>,
  killAfterMs: number,
): WorkerProcess["stop"] {
  let stopping = false;
  return async (afterMs = killAfterMs) => {
    const hasEnded = child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
    if (!stopping && !hasEnded) {
      child.stdin?.end();
      child.kill("SIGTERM");
    }
    stopping = true;
    const timer = hasEnded ? undefined : setTimeout(() => killTree(child, "SIGKILL"), afterMs);
    await exited;
    clearTimeout(timer);
  };
}

interface ReadinessOptions {
  readyTimeoutMs: number;
  onLog: ((line: string) => void) | undefined;
  signal: AbortSignal | undefined;
  stderr: RingLines;
}

/** Waits for the ready line, or whatever comes before it: the end, the time limit, the signal. */
function readiness(
  child: ChildProcess,
  exited: Promise<WorkerExit>,
  { readyTimeoutMs, onLog, signal, stderr }: ReadinessOptions,
): Promise<{ host: string; port: number }> {
  return new Promise((resolve, reject) => {
    let isReady = false;
    const lines = new RingLines(1);
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      for (const line of lines.push(chunk)) {
        const [, host, port] = (isReady ? null : READY_LINE.exec(line)) ?? [];
        if (host === undefined || port === undefined) {
          onLog?.(line);
          continue;
        }
        isReady = true;
        release();
        resolve({ host, port: Number(port) });
      }
    });
    const onAbort = () => signal && fail(interrupted(signal));
    const timer = setTimeout(() => {
      const seconds = `${readyTimeoutMs / 1000} s`;
      const detail = stderr.last(LAST_WORDS).join("\n");
      fail(
        new AiwError("WORKER_TIMEOUT", `the worker did not say within ${seconds} that it listens`, {
          detail,
        }),
      );
    }, readyTimeoutMs);
    const release = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    const fail = (error: AiwError) => {
      release();
      reject(error);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    child.once("error", (cause) =>
      fail(new AiwError("WORKER_START", `the worker could not be started: ${cause.message}`, { cause })),
    );
    void exited.then((exit) => fail(startError(exit, stderr)));
  });
}

/** The error of a worker that ended before it was ready: its own words where it named an error. */
function startError({ code, signal, lastWords }: WorkerExit, stderr: RingLines): AiwError {
  // With --debug a traceback of any length follows the error's line.
  const all = stderr.last(STDERR_LINES);
  const detail = all.join("\n");
  const named = findErrorLine(all);
  if (named !== undefined) {
    return new AiwError("WORKER_START", named.message, { workerName: named.workerName, detail });
  }
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  const last = lastWords.at(-1) ?? "it said nothing on stderr";
  return new AiwError("WORKER_START", `the worker ended before it was ready (${how}): ${last}`, { detail });
}
