import type { Cancel, Clock } from "../core/clock.js";

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  private readonly timers = new Set<{ dueUs: number; fn: () => void }>();
  private us: number;

  constructor(startUs = 1_000_000) {
    this.us = startUs;
  }

  nowUs(): number {
    return this.us;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.us / 1000;
  }

  at(dueUs: number, fn: () => void): Cancel {
    const timer = { dueUs, fn };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  get pendingTimers(): number {
    return this.timers.size;
  }

  /** When the timer fires that is due first; Infinity where there is none. */
  get nextDueUs(): number {
    return Math.min(...[...this.timers].map(({ dueUs }) => dueUs));
  }

  /** Moves to when that is, and no further: what it begins has its own time yet. */
  advanceToNext(): Promise<void> {
    return this.advanceTo(this.nextDueUs);
  }

  /**
   * Moves to `us`, firing what is due on the way at its own time; promises that follow from one timer
   * are settled before the next fires.
   */
  async advanceTo(us: number): Promise<void> {
    await settle();
    for (;;) {
      const next = [...this.timers].sort((a, b) => a.dueUs - b.dueUs)[0];
      if (next === undefined || next.dueUs > us) break;
      this.timers.delete(next);
      this.us = Math.max(this.us, next.dueUs);
      next.fn();
      await settle();
    }
    this.us = Math.max(this.us, us);
    await settle();
  }

  /** Stands still for so long: what was due meanwhile fires late, at the next advance. */
  jumpBy(us: number): void {
    this.us += us;
  }

  advanceBy(us: number): Promise<void> {
    return this.advanceTo(this.us + us);
  }
}

/** Lets everything run that is ready to run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
