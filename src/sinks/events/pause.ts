import { waitUntil, type Clock } from "../../core/clock.js";

/** Waits one at a time, which somebody else may cut short. */
export class Pause {
  private cutter = new AbortController();

  constructor(private readonly clock: Clock) {}

  /** Resolves after so many microseconds, or as soon as it is cut. */
  wait(us: number): Promise<void> {
    this.cutter = new AbortController();
    return waitUntil(this.clock, this.clock.nowUs() + us, this.cutter.signal);
  }

  /** Ends the wait that is under way, if there is one. */
  cut(): void {
    this.cutter.abort();
  }
}
