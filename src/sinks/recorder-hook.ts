import { after, type Cancel, type Clock } from "../core/clock.js";
import { CommandLineError, splitCommandLine } from "../core/command-line.js";
import { AiwError } from "../core/errors.js";
import { settledOrAborted } from "../core/settled-or-aborted.js";
import { type HookStart, type HookStop, startEnvironment, stopEnvironment } from "./hook-environment.js";
import { type HookResult, startHook } from "./hook-process.js";
import { ToldKinds } from "./told-kinds.js";

/** Longest that a hook may run, microseconds. */
const TIMEOUT_US = 30_000_000;
/** Longest that a run waits for the session's files, microseconds: it is not to miss the session for a slow disk. */
const FILES_WITHIN_US = 2_000_000;
/** How much longer than all else a hook has when we end, microseconds: what it stops would else record for ever. */
const GRACE_US = 2_800_000;
/** Starts are run while so many runs are in progress or wait: above that the disk, the network or the hook is stuck. */
const MAX_RUNS = 32;
/** Each such run is told. */
const CUT_OFF: HookResult = { outcome: "timeout", trouble: { text: "is cut off: the agent ends" } };

export interface RecorderHookOptions {
  readonly clock: Clock;
  readonly env: NodeJS.ProcessEnv;
  /** A line that the hook wrote, fit for a log. */
  readonly onLine: (line: string, sessionId: string) => void;
  /** What went wrong: of what is alike not each, see ToldKinds. */
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

/** Runs by what came of them; "timeout": it had to be ended. */
export type RecorderRuns = Readonly<Record<HookResult["outcome"] | "not_run", number>>;

interface Run {
  readonly event: "start" | "stop";
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
 * up a frame, start comes before stop, and the stop of a session whose start was run is run too.
 */
export class RecorderHook {
  private readonly words: readonly string[];
  /** The last run of each session, for the next to wait for. */
  private readonly last = new Map<string, Promise<void>>();
  /** What ends each that runs or waits for its files. */
  private readonly atWork = new Set<() => void>();
  /** Sessions that are open and whose start was not run. */
  private readonly passedOver = new Set<string>();
  private readonly told: ToldKinds;
  private readonly outcomes = { ok: 0, failed: 0, timeout: 0, not_run: 0 };
  private waiting = 0;
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
    this.told = new ToldKinds(options.clock);
    this.words = hookCommand(command);
  }

  /** @param filesReady see Run; it is waited for, but not for long */
  start(session: HookStart, filesReady = Promise.resolve()): void {
    const { maxRuns = MAX_RUNS, env } = this.options;
    const { sessionId } = session;
    const run: Run = { event: "start", sessionId, env: startEnvironment(env, session), filesReady };
    if (this.waiting < maxRuns) return this.enqueue(run);
    this.passedOver.add(sessionId);
    this.notRun(run, `is not run, nor will its stop be: ${maxRuns} runs are not done yet`, "too many");
  }

  stop(session: HookStop, filesReady = Promise.resolve()): void {
    const { sessionId } = session;
    const env = stopEnvironment(this.options.env, session);
    const run: Run = { event: "stop", sessionId, env, filesReady };
    // Never for their number: there are no more of them than starts that were run.
    if (!this.passedOver.delete(sessionId)) return this.enqueue(run);
    this.outcomes.not_run += 1;
  }

  counts(): RecorderRuns {
    return { ...this.outcomes };
  }

  /**
   * Waits for what runs and what waits. Once the signal aborts that has 2.8 s more; then what runs is asked to end, and
   * killed a second later, and what waits is not run. Each of them is told.
   * @param giveUp how long all else is waited for that ends with us
   */
  async close(giveUp: AbortSignal): Promise<void> {
    let cancel: Cancel = () => {};
    const end = () => {
      this.state = "ending";
      for (const one of [...this.atWork]) one();
    };
    const onGiveUp = () => {
      cancel = after(this.options.clock, GRACE_US, end);
    };
    if (this.state === "open") this.state = "closing";
    if (giveUp.aborted) onGiveUp();
    giveUp.addEventListener("abort", onGiveUp);
    await Promise.all(this.last.values());
    giveUp.removeEventListener("abort", onGiveUp);
    cancel();
  }

  private enqueue(run: Run): void {
    if (this.state !== "open") return this.notRun(run, "is not run: the agent ends");
    const { sessionId } = run;
    this.waiting++;
    const before = this.last.get(sessionId) ?? Promise.resolve();
    const done = before
      .then(() => this.waitForFiles(run))
      .then(() => this.run(run))
      .finally(() => {
        this.waiting--;
        if (this.last.get(sessionId) === done) this.last.delete(sessionId);
      });
    this.last.set(sessionId, done);
  }

  private async waitForFiles({ filesReady }: Run): Promise<void> {
    const enough = new AbortController();
    const end = () => enough.abort();
    if (this.state === "ending") return;
    this.atWork.add(end);
    const cancel = after(this.options.clock, FILES_WITHIN_US, end);
    await settledOrAborted(filesReady, enough.signal);
    cancel();
    this.atWork.delete(end);
  }

  private async run(run: Run): Promise<void> {
    if (this.state === "ending") return this.notRun(run, "is not run: the agent ends");
    const { clock, timeoutUs = TIMEOUT_US, onLine } = this.options;
    const hook = startHook(this.words, {
      ...{ env: run.env, clock, timeoutUs },
      onLine: (line) => onLine(line, run.sessionId),
    });
    const end = () => hook.end(CUT_OFF);
    this.atWork.add(end);
    const { outcome, trouble } = await hook.result;
    this.atWork.delete(end);
    this.outcomes[outcome] += 1;
    if (outcome === "ok") this.told.goesWell();
    if (trouble !== undefined) this.tell(run, trouble.text, trouble.kind);
  }

  private notRun(run: Run, text: string, kind?: string): void {
    this.outcomes.not_run += 1;
    this.tell(run, text, kind);
  }

  /** @param kind of what is not told each time; without one it is */
  private tell({ event, sessionId }: Run, text: string, kind?: string): void {
    if (kind !== undefined && !this.told.isNews(kind)) return;
    const rest = kind === undefined ? "" : "; such a thing is told anew after a run that goes well";
    this.options.onNote(
      `recorder hook ${this.words[0] ?? ""}, ${event} of session ${sessionId}, ${text}${rest}`,
    );
  }
}
