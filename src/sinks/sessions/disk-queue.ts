import { settledOrAborted } from "../../core/settled-or-aborted.js";

/** What may wait for a disk that is slow or hangs; records that are more than that are not written. */
const MAX_WAITING = 4096;
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/**
 * Does jobs one after the other, in the order in which they came: a disk that hangs holds up them, and one thread
 * of Node's four, but no frame.
 */
export class DiskQueue {
  private last: Promise<void> = Promise.resolve();
  private waiting = 0;
  private waitingBytes = 0;

  constructor(
    private readonly maxWaiting = MAX_WAITING,
    private readonly maxWaitingBytes = MAX_WAITING_BYTES,
  ) {}

  /** Whether so much waits that records are left out. */
  get isFull(): boolean {
    return this.waiting >= this.maxWaiting || this.waitingBytes >= this.maxWaitingBytes;
  }

  /** Jobs that are not done. */
  get size(): number {
    return this.waiting;
  }

  /**
   * Does it in its turn, full or not.
   * @param job never rejects
   * @param bytes what it holds until then
   */
  submit(job: () => Promise<void>, bytes = 0): Promise<void> {
    this.waiting++;
    this.waitingBytes += bytes;
    this.last = this.last.then(job).finally(() => {
      this.waiting--;
      this.waitingBytes -= bytes;
    });
    return this.last;
  }

  /** Resolves when all that was submitted is done, or the signal aborts. */
  drained(giveUp: AbortSignal): Promise<void> {
    return settledOrAborted(this.last, giveUp);
  }
}
