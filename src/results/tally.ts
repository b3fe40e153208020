import { Accuracy } from "./accuracy.js";
import { type FrameOutcome, isResult } from "./frame-outcome.js";
import { LatencyStats } from "./latency.js";

/** What many frames gave together. */
export class Tally {
  readonly latency = new LatencyStats();
  /** Of the frames with a result whose truth is known. */
  readonly accuracy: Accuracy;
  private readonly byClass = new Map<string, number>();
  private firstErrorMessage: string | undefined;

  /**
   * @param classes names of the classes that accuracy is judged on; all by default
   * @param hasNothingToFind of a model that makes no detections: its accuracy is not judged
   */
  constructor(
    classes?: readonly string[],
    private readonly hasNothingToFind = false,
  ) {
    this.accuracy = new Accuracy(classes);
  }

  add(outcome: FrameOutcome): void {
    if (!isResult(outcome)) {
      this.firstErrorMessage ??= outcome.error.message;
      return;
    }
    this.latency.record(outcome.latency);
    if (outcome.truth !== undefined && !this.hasNothingToFind)
      this.accuracy.add(outcome.detections, outcome.truth);
    for (const { className } of outcome.detections) {
      this.byClass.set(className, (this.byClass.get(className) ?? 0) + 1);
    }
  }

  /** Why the first frame failed that did. */
  get firstError(): string | undefined {
    return this.firstErrorMessage;
  }

  /** Detections of each class, the most frequent first. */
  detections(): { readonly total: number; readonly byClass: Readonly<Record<string, number>> } {
    const entries = [...this.byClass].sort(([, a], [, b]) => b - a);
    return { total: entries.reduce((sum, [, n]) => sum + n, 0), byClass: Object.fromEntries(entries) };
  }
}
