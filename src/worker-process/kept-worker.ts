import { AiwError, toAiwError } from "../core/errors.js";
import { interrupted } from "./run-command.js";
import { endWithin, howItEnded, lastSaid } from "./worker-end.js";
import type { WorkerProcess } from "./worker-process.js";

/** Restarts in a row, without a result between them, that are worth trying. */
export const RESTARTS_IN_A_ROW = 3;
/** How long one whose link broke is waited for to end by itself, milliseconds: then it says why. */
const END_WAIT_MS = 300;

export interface KeptWorkerOptions {
  /** Starts a worker; as startWorker. */
  readonly start: (signal: AbortSignal) => Promise<WorkerProcess>;
  /** Told before each restart: why, and the how manyth in a row without a result it is, from 1. */
  readonly onRestart: (why: string, inARow: number) => void;
}

/**
 * A worker of this machine that is started again when it has crashed. One whose link is gone counts as
 * crashed though it still runs: loopback does not break, so it hangs or talks nonsense, and is ended.
 */
export class KeptWorker {
  private restarting: Promise<WorkerProcess> | undefined;
  private inARow = 0;
  private count = 0;
  private readonly stopping = new AbortController();

  private constructor(
    private process: WorkerProcess,
    private readonly options: KeptWorkerOptions,
  ) {}

  /** @throws as startWorker: the first start is not tried again */
  static async start(options: KeptWorkerOptions, signal: AbortSignal): Promise<KeptWorker> {
    return new KeptWorker(await options.start(signal), options);
  }

  get current(): WorkerProcess {
    return this.process;
  }

  /** The one that runs, or the one that is being started in its place. @throws as `another` */
  whenThere(): Promise<WorkerProcess> {
    return this.restarting ?? Promise.resolve(this.process);
  }

  /** How often it was started again. */
  get restarts(): number {
    return this.count;
  }

  /** It works: a crash from now on is the first in a row. */
  hadResult(): void {
    this.inARow = 0;
  }

  /**
   * The worker that takes the place of one that is lost; the same for all who have lost that one.
   * @param why what its client knows, for one that has not ended
   * @throws WORKER_CRASHED after too many restarts without a result, with the last lines of its stderr as
   *   detail; WORKER_START, WORKER_TIMEOUT of this attempt; INTERRUPTED after `stop`
   */
  another(lost: WorkerProcess, why: string): Promise<WorkerProcess> {
    if (this.process !== lost) return Promise.resolve(this.process);
    this.restarting ??= this.restart(why).finally(() => {
      this.restarting = undefined;
    });
    return this.restarting;
  }

  /** Ends it for good, as WorkerProcess.stop, and a start that is under way. */
  async stop(killAfterMs?: number): Promise<void> {
    this.stopping.abort();
    // At once: one that hangs and is being replaced would be given the time of a restart.
    const stopped = this.process.stop(killAfterMs);
    await this.restarting?.catch(() => undefined);
    await Promise.all([stopped, this.process.stop(killAfterMs)]);
  }

  private async restart(why: string): Promise<WorkerProcess> {
    const endedItself = await endWithin(this.process.exited, END_WAIT_MS);
    await this.process.stop();
    const end = await this.process.exited;
    const how = endedItself === undefined ? why : `the worker process ended (${howItEnded(end)})`;
    if (this.stopping.signal.aborted) throw interrupted(this.stopping.signal);
    if (this.inARow >= RESTARTS_IN_A_ROW) {
      throw this.givenUp(`${how}${lastSaid(end)}`, end.lastWords);
    }
    this.inARow++;
    this.count++;
    this.options.onRestart(how, this.inARow);
    try {
      this.process = await this.options.start(this.stopping.signal);
    } catch (thrown) {
      const error = toAiwError(thrown);
      if (this.inARow < RESTARTS_IN_A_ROW || this.stopping.signal.aborted) throw error;
      throw this.givenUp(error.message, error.detail?.split("\n") ?? []);
    }
    return this.process;
  }

  private givenUp(why: string, lastWords: readonly string[]): AiwError {
    const message = `the worker was started again ${this.inARow} times in a row without a result: ${why}`;
    return new AiwError("WORKER_CRASHED", message, { detail: lastWords.join("\n") });
  }
}
