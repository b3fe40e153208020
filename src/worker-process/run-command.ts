import { spawn } from "node:child_process";
import { AiwError } from "../core/errors.js";
import { RingLines } from "../core/ring-lines.js";
import type { Env } from "./cache-dir.js";
import { killTree } from "./kill-tree.js";

export interface CommandOptions {
  env: Env;
  cwd?: string;
  /** Aborting it ends the command and all that it started. */
  signal?: AbortSignal | undefined;
  /** Every whole line of both streams, as it comes. */
  onLine?: (line: string) => void;
  /** The command is killed after this long; without it there is no limit. */
  timeoutMs?: number;
  /** How much of stdout is kept; without it 64 Ki characters. */
  maxStdoutChars?: number;
}

export interface CommandResult {
  /** The exit code; null where a signal or the time limit ended it, or it could not be run at all. */
  code: number | null;
  /** Its first maxStdoutChars. */
  stdout: string;
  /** The last lines of both streams together. */
  lines: string[];
  /** Why it could not be run, or was killed. */
  failure?: string;
  /** The signal that ended it, where one did. */
  endedBy?: NodeJS.Signals | null;
}

const MAX_STDOUT_CHARS = 64 * 1024;
/** Time between asking a command to end and killing it. */
const KILL_AFTER_MS = 2_000;

/** What an aborted operation throws: the signal's own reason where that is an error for people. */
export function interrupted(signal: AbortSignal): AiwError {
  return signal.reason instanceof AiwError ? signal.reason : new AiwError("INTERRUPTED", "interrupted");
}

/**
 * Runs a command to its end without a shell and without stdin. A command that fails is a result, not an
 * error.
 * @throws AiwError INTERRUPTED when `signal` aborts, after the command ended.
 */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const { env, cwd, signal, onLine, timeoutMs, maxStdoutChars = MAX_STDOUT_CHARS } = options;
  if (signal?.aborted) return Promise.reject(interrupted(signal));
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
      // A group of its own: it can be ended with all that it started, and a terminal's Ctrl-C comes to
      // us alone.
      detached: process.platform !== "win32",
    });
    const ring = new RingLines(200);
    let stdout = "";
    let failure: string | undefined;
    const take = (lines: RingLines, chunk: string) => {
      for (const line of lines.push(chunk)) {
        ring.push(`${line}\n`);
        onLine?.(line);
      }
    };
    const outLines = new RingLines(1);
    const errLines = new RingLines(1);
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk.slice(0, maxStdoutChars - stdout.length);
      take(outLines, chunk);
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => take(errLines, chunk));

    let killTimer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      killTree(child, "SIGTERM");
      killTimer = setTimeout(() => killTree(child, "SIGKILL"), KILL_AFTER_MS);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    const limit =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            failure = `no answer within ${timeoutMs / 1000} s`;
            killTree(child, "SIGKILL");
          }, timeoutMs);

    const settle = (code: number | null, endedBy: NodeJS.Signals | null) => {
      clearTimeout(killTimer);
      clearTimeout(limit);
      signal?.removeEventListener("abort", onAbort);
      if (signal?.aborted) return reject(interrupted(signal));
      take(outLines, "\n");
      take(errLines, "\n");
      resolve({
        code,
        endedBy,
        stdout,
        lines: ring.last(200),
        ...(failure === undefined ? {} : { failure }),
      });
    };
    child.once("error", (error) => {
      failure = error.message;
      // An error after the start (a signal that could not be sent) is not its end.
      if (child.pid === undefined) settle(null, null);
    });
    child.once("close", (code, endedBy) => settle(failure === undefined ? code : null, endedBy));
  });
}
