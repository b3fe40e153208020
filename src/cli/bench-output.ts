import type { OutcomeTaker } from "../bench/measure.js";
import type { FrameOutcome } from "../results/frame-outcome.js";
import type { OutcomeSink } from "../sinks/outcome-sink.js";
import { isReaderGone } from "../sinks/stdout.js";
import { closeSink } from "./close-sink.js";

/** Where a bench's detections go. When they cannot be written any more the run stops, and says why. */
export class BenchOutput implements OutcomeTaker {
  readonly keepsFrames: boolean;
  private readonly stop = new AbortController();
  private error: unknown;

  constructor(
    private readonly sink: OutcomeSink | undefined,
    private readonly interrupt: AbortSignal,
  ) {
    this.keepsFrames = sink?.keepsFrames === true;
    if (interrupt.aborted) this.onInterrupt();
    else interrupt.addEventListener("abort", this.onInterrupt);
  }

  /** Aborts when the run is interrupted, or what comes of it cannot be written. */
  get stopped(): AbortSignal {
    return this.stop.signal;
  }

  /** Why it stopped, where it did so by itself; a reader that has seen enough is no failure. */
  get failure(): unknown {
    return isReaderGone(this.error) ? undefined : this.error;
  }

  write(outcome: FrameOutcome): void {
    if (this.error !== undefined) return;
    try {
      this.sink?.write(outcome);
    } catch (error) {
      this.fail(error);
    }
  }

  async close(): Promise<void> {
    if (this.sink !== undefined) {
      await closeSink(this.sink, this.interrupt).catch((error: unknown) => this.fail(error));
    }
    this.interrupt.removeEventListener("abort", this.onInterrupt);
  }

  private fail(error: unknown): void {
    this.error ??= error;
    // Whoever reads no further has still asked for the figures.
    if (!isReaderGone(error)) this.stop.abort();
  }

  private readonly onInterrupt = () => this.stop.abort(this.interrupt.reason);
}
