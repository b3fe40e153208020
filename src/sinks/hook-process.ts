import { type ChildProcess, spawn } from "node:child_process";
import { after, type Cancel, type Clock } from "../core/clock.js";
import { systemCode } from "../core/errors.js";
import { printable } from "../core/printable.js";
import { RingLines } from "../core/ring-lines.js";

/** Between asking a hook to end and killing it. */
const KILL_AFTER_US = 1_000_000;
/** What a hook wrote last is waited for, microseconds. */
const DRAIN_US = 500_000;
/** What is told of one run's output. */
const MAX_LINES = 50;
const MAX_LINE_LENGTH = 500;

export interface HookResult {
  /** "timeout": it had to be ended. */
  readonly outcome: "ok" | "failed" | "timeout";
  /** For people; `kind` is the same for what they need not be told each time. */
  readonly trouble?: { readonly kind?: string; readonly text: string };
}

export interface HookProcess {
  /** When nothing of it is waited for any more; never rejects. */
  readonly result: Promise<HookResult>;
  /** Asks it to end with all that it has started, and kills what is left a second later; idempotent. */
  end(why: HookResult): void;
}

export interface HookProcessOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly timeoutUs: number;
  /** A line that it wrote, fit for a log. */
  readonly onLine: (line: string) => void;
}

/**
 * Runs a command without a shell in a process group of its own, by which it is ended once its time is over; what left
 * the group goes on.
 */
export function startHook(
  [command = "", ...args]: readonly string[],
  { env, clock, timeoutUs, onLine }: HookProcessOptions,
): HookProcess {
  let child: ChildProcess;
  try {
    child = spawn(command, args, {
      env,
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
      // A group of its own: it is ended with all that it started, and a terminal's Ctrl-C comes to us alone.
      detached: process.platform !== "win32",
    });
  } catch (error) {
    // A name with a character in it that no environment takes.
    return { result: Promise.resolve(notStarted(error)), end: () => {} };
  }
  readOutput(child, onLine);
  const timers: Cancel[] = [];
  let state: "running" | "exited" | "ending" | "killed" = "running";
  let settle: (result: HookResult) => void = () => {};
  const settled = new Promise<HookResult>((resolve) => (settle = resolve));
  let ended: HookResult = { outcome: "ok" };
  const kill = () => {
    signalGroup(child, "SIGKILL");
    state = "killed";
    if (child.exitCode !== null || child.signalCode !== null) settle(ended);
  };
  const end = (why: HookResult) => {
    if (state !== "running") return;
    state = "ending";
    ended = why;
    signalGroup(child, "SIGTERM");
    timers.push(after(clock, KILL_AFTER_US, kill));
  };
  const text = `did not end within ${timeoutUs / 1e6} s, and was ended`;
  const onTimeout = () => end({ outcome: "timeout", trouble: { kind: "timeout", text } });
  timers.push(after(clock, timeoutUs, onTimeout));
  child.once("error", (error) => {
    if (child.pid === undefined) settle(notStarted(error));
  });
  child.once("exit", (code, signal) => {
    if (state === "running") {
      state = "exited";
      if (code !== 0) ended = failed("exit", `ended with ${signal ?? `exit code ${code}`}`);
      // Something that it left behind may hold its output open.
      timers.push(after(clock, DRAIN_US, () => settle(ended)));
      child.once("close", () => settle(ended));
    } else if (state === "killed" || !signalGroup(child, 0)) settle(ended);
    // It had to be ended, and what it started still ends: until it is killed.
  });
  const result = settled.finally(() => {
    for (const cancel of timers) cancel();
    child.stdout?.destroy();
    child.stderr?.destroy();
  });
  return { result, end };
}

function failed(kind: string, text: string): HookResult {
  return { outcome: "failed", trouble: { kind, text } };
}

function notStarted(error: unknown): HookResult {
  return failed("start", `can't be started (${systemCode(error) ?? String(error)})`);
}

function readOutput(child: ChildProcess, onLine: (line: string) => void): void {
  let left = MAX_LINES;
  const tell = (line: string) => {
    left--;
    if (left > 0) onLine(printable(line));
    else if (left === 0) onLine("… more is not shown");
  };
  for (const stream of [child.stdout, child.stderr]) {
    const lines = new RingLines(1, MAX_LINE_LENGTH);
    stream?.setEncoding("utf8").on("data", (chunk: string) => lines.push(chunk).forEach(tell));
    stream?.on("error", () => {});
    // Its last line may have no end.
    stream?.once("close", () => lines.push("\n").forEach(tell));
  }
}

/** To all that a hook has started and that did not leave its group. False where nothing of it is there any more. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (child.pid === undefined) return false;
  try {
    return process.platform === "win32" ? child.kill(signal) : process.kill(-child.pid, signal);
  } catch {
    // ESRCH: it has ended by itself.
    return false;
  }
}
