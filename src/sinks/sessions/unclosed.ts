import { after, type Cancel, type Clock } from "../../core/clock.js";
import { settledOrAborted } from "../../core/settled-or-aborted.js";
import type { DiskQueue } from "./disk-queue.js";

/** Between two attempts, microseconds. */
const RETRY_US = 10_000_000;
/** Sessions that are tried again: each is kept in memory as its session.json, some kilobytes. */
const MAX_KEPT = 64;

/** Tries to close a session on disk; whether it is closed now. Never rejects, and leaves no file open. */
export type CloseOnDisk = () => Promise<boolean>;

/**
 * Sessions that are over, and that the disk did not let be closed, as when it is full. They are tried again from time
 * to time, one after the other and in turn with what else is written; the first that fails ends the round, so that a
 * disk that is full is asked once. Those that are too many are left for the next start to recover, the oldest first.
 */
export class UnclosedSessions {
  private readonly waiting: CloseOnDisk[] = [];
  /** From the moment that a round is asked for until it is over. */
  private round: { readonly cancel: Cancel; done: Promise<void> } | undefined;
  private isFinishing = false;

  constructor(
    private readonly clock: Clock,
    private readonly queue: DiskQueue,
  ) {}

  add(session: CloseOnDisk): void {
    this.keep(session);
    this.askForRound();
  }

  /** Tries each once more. @param giveUp ends that, with those that are left */
  async finish(giveUp: AbortSignal): Promise<void> {
    this.isFinishing = true;
    this.round?.cancel();
    await settledOrAborted(this.round?.done ?? Promise.resolve(), giveUp);
    for (const session of this.waiting.splice(0)) {
      if (giveUp.aborted) return;
      await settledOrAborted(
        this.tryAgain(session).then(() => {}),
        giveUp,
      );
    }
  }

  private keep(session: CloseOnDisk): void {
    this.waiting.push(session);
    if (this.waiting.length > MAX_KEPT) this.waiting.shift();
  }

  private askForRound(): void {
    if (this.isFinishing || this.round !== undefined || this.waiting.length === 0) return;
    const cancel = after(this.clock, RETRY_US, () => {
      round.done = this.tryAll().then(() => {
        this.round = undefined;
        this.askForRound();
      });
    });
    const round = { cancel, done: Promise.resolve() };
    this.round = round;
  }

  private async tryAll(): Promise<void> {
    while (!this.isFinishing) {
      const session = this.waiting.shift();
      if (session === undefined) return;
      if (await this.tryAgain(session)) continue;
      // The others come before it next time: it may be the only one that can't be closed.
      this.keep(session);
      return;
    }
  }

  private async tryAgain(session: CloseOnDisk): Promise<boolean> {
    let isClosed = false;
    await this.queue.submit(async () => {
      isClosed = await session();
    });
    return isClosed;
  }
}
