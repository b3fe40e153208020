import { build, type Histogram } from "hdr-histogram-js";
import { type FrameLatency, STAGES, type Stage } from "./stages.js";

/** Longest latency that is told apart, microseconds: ten minutes. */
const HIGHEST_US = 600_000_000;

/** Percentiles of a latency, milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** The figures of a summary in the order in which reports show them. */
export const SUMMARY_FIGURES = ["p50", "p90", "p95", "p99", "max", "mean"] as const;

/**
 * Integer microseconds in a histogram with 3 significant figures (HdrHistogram); nothing is trimmed.
 * Mean and maximum are exact.
 */
export class LatencyHistogram {
  private readonly histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST_US,
    numberOfSignificantValueDigits: 3,
  });
  private count = 0;
  private sumUs = 0;
  private maxUs = 0;

  record(us: number): void {
    this.histogram.recordValue(Math.min(HIGHEST_US, Math.max(0, us)));
    this.count++;
    this.sumUs += us;
    this.maxUs = this.count === 1 ? us : Math.max(this.maxUs, us);
  }

  /** Microseconds; 0 without a sample. */
  percentileUs(percent: number): number {
    if (this.count === 0) return 0;
    return Math.min(this.histogram.getValueAtPercentile(percent), this.maxUs);
  }

  summary(): LatencySummary {
    const ms = (us: number) => Math.round(us) / 1000;
    return {
      count: this.count,
      mean: ms(this.count === 0 ? 0 : this.sumUs / this.count),
      p50: ms(this.percentileUs(50)),
      p90: ms(this.percentileUs(90)),
      p95: ms(this.percentileUs(95)),
      p99: ms(this.percentileUs(99)),
      max: ms(this.maxUs),
    };
  }
}

export const LATENCIES = ["total", ...STAGES] as const;

/** Latencies of many frames; a stage that the worker does not report has a count of 0. */
export class LatencyStats {
  private readonly histograms = new Map<"total" | Stage, LatencyHistogram>(
    LATENCIES.map((name) => [name, new LatencyHistogram()]),
  );

  record(latency: FrameLatency): void {
    for (const [name, histogram] of this.histograms) {
      const us = latency[name];
      if (us !== null) histogram.record(us);
    }
  }

  of(name: "total" | Stage): LatencyHistogram {
    const histogram = this.histograms.get(name);
    if (histogram === undefined) throw new Error(`no histogram of ${name}`);
    return histogram;
  }

  summary(): Record<"total" | Stage, LatencySummary> {
    const entries = LATENCIES.map((name) => [name, this.of(name).summary()] as const);
    return Object.fromEntries(entries) as Record<"total" | Stage, LatencySummary>;
  }
}
