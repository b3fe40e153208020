import type { FrameResult } from "../../results/frame-outcome.js";
import { LATENCIES, LatencyHistogram, type LatencySummary } from "../../results/latency.js";

/** What many records come to, as session.json has it. */
export interface SummaryFigures {
  readonly frames: { readonly results: number; readonly errors: number };
  readonly detections: { readonly total: number; readonly by_class: Readonly<Record<string, number>> };
  /** Milliseconds. Where nothing was measured there is the count alone, as in the worker's. */
  readonly latency_ms: Readonly<Record<string, LatencySummary | { readonly count: 0 }>>;
}

/** What of a frame's result is added up: without its pixels, for which a slow disk is not to wait. */
export type Counted = Pick<FrameResult, "latency" | "detections">;

/** Adds up the records of one session: the same while they are written, and of what was written. */
export class SessionSummary {
  private results = 0;
  private errors = 0;
  private readonly byClass = new Map<string, number>();
  /** Made with the first value: each is hundreds of kilobytes. */
  private readonly latencies = new Map<string, LatencyHistogram>();

  /** @param counted null of a frame that failed */
  add(counted: Counted | null): void {
    if (counted === null) {
      this.errors++;
      return;
    }
    this.results++;
    for (const { className } of counted.detections) this.found(className);
    for (const name of LATENCIES) {
      const us = counted.latency[name];
      if (us !== null) this.took(name, us);
    }
  }

  /** Adds a record as it was written. False where it is none, and nothing was added. */
  addRecord(record: unknown): boolean {
    const { error, detections, latency_ms: latency } = fieldsOf(record);
    if (error !== undefined) {
      this.errors++;
      return true;
    }
    if (!Array.isArray(detections)) return false;
    const names = detections.map((one) => fieldsOf(one).class);
    if (!names.every((name) => typeof name === "string")) return false;
    this.results++;
    for (const name of names) this.found(name);
    for (const name of LATENCIES) {
      const ms = fieldsOf(latency)[name];
      if (typeof ms === "number") this.took(name, Math.round(ms * 1000));
    }
    return true;
  }

  figures(): SummaryFigures {
    const classes = [...this.byClass].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      frames: { results: this.results, errors: this.errors },
      detections: {
        total: classes.reduce((sum, [, n]) => sum + n, 0),
        by_class: Object.fromEntries(classes),
      },
      latency_ms: Object.fromEntries(
        LATENCIES.map((name) => [name, this.latencies.get(name)?.summary() ?? { count: 0 }]),
      ),
    };
  }

  private found(className: string): void {
    this.byClass.set(className, (this.byClass.get(className) ?? 0) + 1);
  }

  private took(name: string, us: number): void {
    let histogram = this.latencies.get(name);
    if (histogram === undefined) this.latencies.set(name, (histogram = new LatencyHistogram()));
    histogram.record(us);
  }
}

/** An object's own fields; none of anything else. */
function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
