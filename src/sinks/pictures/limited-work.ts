export interface WorkLimits {
  /** Jobs in progress. */
  readonly atOnce: number;
  /** Jobs that wait for one of those to end. */
  readonly waiting: number;
}

/** Does jobs in the order in which they come, a few at a time; what is too much is not taken. */
export class LimitedWork<Job> {
  private inProgress = 0;
  private readonly queue: Job[] = [];
  private readonly listeners = new Set<() => void>();

  /** @param work never rejects */
  constructor(
    private readonly limits: WorkLimits,
    private readonly work: (job: Job) => Promise<void>,
  ) {}

  /** False when there is no room, and the job is not taken. */
  offer(job: Job): boolean {
    if (this.inProgress < this.limits.atOnce) this.begin(job);
    else if (this.queue.length < this.limits.waiting) this.queue.push(job);
    else return false;
    return true;
  }

  /** Takes back the jobs that were not begun. */
  takeWaiting(): Job[] {
    return this.queue.splice(0);
  }

  /** Resolves when a job would be begun at once; undefined when that is so now. */
  whenFree(): Promise<void> | undefined {
    return this.inProgress < this.limits.atOnce ? undefined : this.until(this.limits.atOnce - 1);
  }

  /** Resolves when every job that was taken is done. */
  whenDone(): Promise<void> {
    return this.until(0);
  }

  private begin(job: Job): void {
    this.inProgress++;
    void this.work(job).finally(() => {
      this.inProgress--;
      const next = this.queue.shift();
      if (next !== undefined) this.begin(next);
      for (const listener of [...this.listeners]) listener();
    });
  }

  private until(inProgress: number): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (this.inProgress > inProgress) return;
        this.listeners.delete(check);
        resolve();
      };
      this.listeners.add(check);
      check();
    });
  }
}
