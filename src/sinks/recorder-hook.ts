import { type ChildProcess, spawn } from "node:child_process";
import { after, type Cancel, type Clock } from "../core/clock.js";
import { CommandLineError, splitCommandLine } from "../core/command-line.js";
import { AiwError, systemCode } from "../core/errors.js";
import { printable } from "../core/printable.js";
import { RingLines } from "../core/ring-lines.js";
import { settledOrAborted } from "../core/settled-or-aborted.js";
import { type HookStart, type HookStop, startEnvironment, stopEnvironment } from "./hook-environment.js";

/** Longest that a hook may run, microseconds. */
const TIMEOUT_US = 30_000_000;
/** Between asking a hook to end and killing it. */
const KILL_AFTER_US = 2_000_000;
/** Longest that a run waits for the session's files, microseconds: it is not to miss the session for a slow disk. */
const FILES_WITHIN_US = 2_000_000;
/** What a hook wrote last is waited for, microseconds. */
const DRAIN_US = 500_000;
/** Runs that may be in progress or wait for others: above that the disk, the network or the hook is stuck. */
const MAX_RUNS = 32;
/** What is told of one run's output. */
const MAX_LINES = 50;
const MAX_LINE_LENGTH = 500;

export interface RecorderHookOptions {
  readonly clock: Clock;
  readonly env: NodeJS.ProcessEnv;
  /** A line that the hook wrote, fit for a log. */
  readonly onLine: (line: string) => void;
  /** What went wrong, once for each kind of it. */
  readonly onNote: (text: string) => void;
  readonly timeoutUs?: number;
  readonly maxRuns?: number;
}

/**
 * A command line as a POSIX shell splits it, expanding nothing.
 * @throws USAGE
 */
export function hookCommand(command: string): string[] {
  try {
    const words = splitCommandLine(command);
    if (words.length > 0) return words;
  } catch (error) {
    if (error instanceof CommandLineError) throw new AiwError("USAGE", `recorder ${error.message}`);
    throw error;
  }
  throw new AiwError("USAGE", "recorder is empty");
}

interface Run {
  readonly sessionId: string;
  readonly env: NodeJS.ProcessEnv;
  /** Settles when the session's files are as the run may expect them. */
  readonly filesReady: Promise<void>;
}

/**
 * A command that is run when a session starts and when it stops: it starts and stops a recorder elsewhere, or
 * fetches the minutes before from one. It is run without a shell, has AIW_EVENT, AIW_SESSION, AIW_CAMERA,
 * AIW_SESSION_DIR, AIW_START (and AIW_END, AIW_REASON) in its environment, and has to end by itself within 30 s:
 * what is to go on must leave its process group (setsid) and take nothing of its output along. None of this holds
 * up a frame, and start comes before stop.
 */
export class RecorderHook {
  private readonly words: readonly string[];
  /** The last run of each session, for the next to wait for. */
  private readonly last = new Map<string, Promise<void>>();
  private readonly running = new Set<() => void>();
  private readonly told = new Set<string>();
  private runs = 0;
  /** "closing": takes no more; "ending": begins none of those that wait, either. */
  private state: "open" | "closing" | "ending" = "open";

  /**
   * @param command see hookCommand
   * @throws USAGE
   */
  constructor(
    command: string,
    private readonly options: RecorderHookOptions,
  ) {
    this.words = hookCommand(command);
  }

  /** @param filesReady see Run; it is waited for, but not for long */
  start(session: HookStart, filesReady = Promise.resolve()): void {
    const env = startEnvironment(this.options.env, session);
    this.enqueue({ sessionId: session.sessionId, env, filesReady });
  }

  stop(session: HookStop, filesReady = Promise.resolve()): void {
    const env = stopEnvironment(this.options.env, session);
    this.enqueue({ sessionId: session.sessionId, env, filesReady });
  }

  /**
   * Waits for what runs and what waits, and once the signal aborts ends it.
   * @param giveUp how long that is worth while
   */
  async close(giveUp: AbortSignal): Promise<void> {
    const end = () => {
      this.state = "ending";
      for (const stop of [...this.running]) stop();
    };
    if (this.state === "open") this.state = "closing";
    if (giveUp.aborted) end();
    giveUp.addEventListener("abort", end);
    await Promise.all(this.last.values());
    giveUp.removeEventListener("abort", end);
  }

  private enqueue(run: Run): void {
    const { sessionId } = run;
    const { maxRuns = MAX_RUNS } = this.options;
    if (this.state !== "open") return;
    if (this.runs >= maxRuns) {
      this.tell("too many", `is not run: ${maxRuns} of its runs are not done yet`);
      return;
    }
    this.runs++;
    const before = this.last.get(sessionId) ?? Promise.resolve();
    const done = before
      .then(() => this.waitForFiles(run))
      .then(() => (this.state === "ending" ? undefined : this.run(run)))
      .finally(() => {
        this.runs--;
        if (this.last.get(sessionId) === done) this.last.delete(sessionId);
      });
    this.last.set(sessionId, done);
  }

  private async waitForFiles({ filesReady }: Run): Promise<void> {
    const enough = new AbortController();
    const end = () => enough.abort();
    if (this.state === "ending") return;
    this.running.add(end);
    const cancel = after(this.options.clock, FILES_WITHIN_US, end);
    await settledOrAborted(filesReady, enough.signal);
    cancel();
    this.running.delete(end);
  }

  private async run({ sessionId, env }: Run): Promise<void> {
    const { clock, timeoutUs = TIMEOUT_US } = this.options;
    const child = this.spawn(env);
    if (child === undefined) return;
    this.readOutput(child, sessionId);
    const timers: Cancel[] = [];
    await new Promise<void>((resolve) => {
      let wasKilled = false;
      const kill = () => {
        signalGroup(child, "SIGKILL");
        wasKilled = true;
        if (child.exitCode !== null || child.signalCode !== null) resolve();
      };
      const end = () => {
        if (!this.running.delete(end)) return;
        signalGroup(child, "SIGTERM");
        timers.push(after(clock, KILL_AFTER_US, kill));
      };
      this.running.add(end);
      const onTimeout = () => {
        this.tell("timeout", `did not end within ${timeoutUs / 1e6} s, and was ended`);
        end();
      };
      timers.push(after(clock, timeoutUs, onTimeout));
      child.once("error", (error) => {
        if (child.pid !== undefined) return;
        this.tell("start", `can't be started (${systemCode(error) ?? error.message})`);
        resolve();
      });
      child.once("exit", (code, signal) => {
        if (this.running.delete(end)) {
          if (code !== 0) this.tell("exit", `ended with ${signal ?? `exit code ${code}`}`);
          // Something that it left behind may hold its output open.
          timers.push(after(clock, DRAIN_US, resolve));
          child.once("close", () => resolve());
        } else if (wasKilled || !signalGroup(child, 0)) resolve();
        // It had to be ended, and what it started still ends: until it is killed.
      });
    });
    for (const cancel of timers) cancel();
    child.stdout?.destroy();
    child.stderr?.destroy();
  }

  private spawn(env: NodeJS.ProcessEnv): ChildProcess | undefined {
    const [command = "", ...args] = this.words;
    try {
      return spawn(command, args, {
        env,
        stdio: ["ignore", "pipe", "pipe"],
        windowsHide: true,
        // A group of its own: it is ended with all that it started, and a terminal's Ctrl-C comes to us alone.
        detached: process.platform !== "win32",
      });
    } catch (error) {
      // A name with a character in it that no environment takes.
      this.tell("start", `can't be started (${systemCode(error) ?? String(error)})`);
      return undefined;
    }
  }

  private readOutput(child: ChildProcess, sessionId: string): void {
    let left = MAX_LINES;
    const tell = (line: string) => {
      left--;
      if (left > 0) this.options.onLine(`recorder hook, ${sessionId}: ${printable(line)}`);
      else if (left === 0) this.options.onLine(`recorder hook, ${sessionId}: … more is not shown`);
    };
    for (const stream of [child.stdout, child.stderr]) {
      const lines = new RingLines(1, MAX_LINE_LENGTH);
      stream?.setEncoding("utf8").on("data", (chunk: string) => lines.push(chunk).forEach(tell));
      stream?.on("error", () => {});
      // Its last line may have no end.
      stream?.once("close", () => lines.push("\n").forEach(tell));
    }
  }

  private tell(kind: string, text: string): void {
    if (this.told.has(kind)) return;
    this.told.add(kind);
    this.options.onNote(`recorder hook ${this.words[0] ?? ""} ${text}; this is said once`);
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
