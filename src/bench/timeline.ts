import { sum } from "../core/sum.js";
import type { DropReason } from "../pipeline/ledger.js";
import type { FrameOutcome } from "../results/frame-outcome.js";
import { isResult } from "../results/frame-outcome.js";
import { LATENCIES } from "../results/latency.js";
import type { Stage } from "../results/stages.js";
import type { Parts, Timeline } from "./report-schema.js";

/** Slices of a run at the most, whatever its length: what a page can draw and a report can carry. */
const MOST_SLICES = 240;
/** Length of a slice while there are few, microseconds: 240 of them are 30 s. */
const SHORTEST_US = 125_000;

/** Parts of a run at the most: pairs that two stored reports can make, some more than a verdict needs. */
const MOST_PARTS = 16;
/** Frames that a part has at least, on average. */
const LEAST_A_PART = 10;

class Slice {
  errors = 0;
  readonly dropped = new Map<DropReason, number>();
  readonly totalsUs: number[] = [];
  readonly inferencesUs: number[] = [];
  readonly sumsUs = new Map<Stage, { sum: number; count: number }>();

  addLatency(stage: Stage, us: number, count = 1): void {
    const sums = this.sumsUs.get(stage) ?? { sum: 0, count: 0 };
    this.sumsUs.set(stage, { sum: sums.sum + us, count: sums.count + count });
  }

  take(other: Slice): void {
    this.errors += other.errors;
    for (const [reason, n] of other.dropped) this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + n);
    for (const us of other.totalsUs) this.totalsUs.push(us);
    for (const us of other.inferencesUs) this.inferencesUs.push(us);
    for (const [stage, { sum, count }] of other.sumsUs) this.addLatency(stage, sum, count);
  }
}

/**
 * What a run was like over time, in slices of equal length: each frame counts in the slice in which it was
 * due, so that what a frozen worker did shows where it began. When a run outgrows its slices, two become one.
 */
export class TimelineRecorder {
  private slices: Slice[] = [];
  private intervalUs = SHORTEST_US;

  /** @param sinceStartUs the frame's due time, from the start of the run */
  add(outcome: FrameOutcome, sinceStartUs: number): void {
    const slice = this.at(sinceStartUs);
    if (!isResult(outcome)) {
      slice.errors++;
      return;
    }
    slice.totalsUs.push(outcome.latency.total);
    if (outcome.latency.inference !== null) slice.inferencesUs.push(outcome.latency.inference);
    for (const name of LATENCIES) {
      const us = outcome.latency[name];
      if (name !== "total" && us !== null) slice.addLatency(name, us);
    }
  }

  drop(reason: DropReason, sinceStartUs: number): void {
    const { dropped } = this.at(sinceStartUs);
    dropped.set(reason, (dropped.get(reason) ?? 0) + 1);
  }

  /** @param durationUs length of the run: slices in which nothing was due are there as well */
  timeline(durationUs: number): Timeline {
    if (durationUs > 0) this.at(durationUs - 1);
    const { slices } = this;
    const each = <T>(of: (slice: Slice) => T) => slices.map(of);
    const reasons = new Set(slices.flatMap(({ dropped }) => [...dropped.keys()]));
    const sorted = each(({ totalsUs }) => ascending(totalsUs));
    const means = (stage: Stage) => ({ mean: each(({ sumsUs }) => mean(sumsUs.get(stage))) });
    return {
      interval_s: this.intervalUs / 1e6,
      offered: each(offeredIn),
      results: each(({ totalsUs }) => totalsUs.length),
      errors: each(({ errors }) => errors),
      dropped: Object.fromEntries(
        [...reasons].map((reason) => [reason, each(({ dropped }) => dropped.get(reason) ?? 0)]),
      ),
      latency_ms: {
        total: {
          mean: sorted.map((us) => mean({ sum: sum(us), count: us.length })),
          p50: sorted.map((us) => nearestRank(us, 0.5)),
          p95: sorted.map((us) => nearestRank(us, 0.95)),
          max: sorted.map((us) => nearestRank(us, 1)),
        },
        wait: means("wait"),
        transport: means("transport"),
        queue: means("queue"),
        preprocess: means("preprocess"),
        inference: means("inference"),
        postprocess: means("postprocess"),
      },
    };
  }

  /**
   * The run in fewer, longer slices, with percentiles that are taken over all the frames of each.
   * @param durationUs length of the run
   */
  parts(durationUs: number): Parts {
    if (durationUs > 0) this.at(durationUs - 1);
    const { slices } = this;
    const offered = sum(slices.map(offeredIn));
    const n = Math.max(1, Math.min(MOST_PARTS, slices.length, Math.floor(offered / LEAST_A_PART)));
    const parts = Array.from({ length: n }, (_, i) => {
      const part = new Slice();
      const [from, to] = [i, i + 1].map((at) => Math.round((at * slices.length) / n));
      for (const slice of slices.slice(from, to)) part.take(slice);
      return part;
    });
    const totals = parts.map(({ totalsUs }) => ascending(totalsUs));
    const inferences = parts.map(({ inferencesUs }) => ascending(inferencesUs));
    const percentiles = (sorted: readonly number[][], share: number) =>
      sorted.map((us) => nearestRank(us, share));
    return {
      length_s: (this.intervalUs * slices.length) / n / 1e6,
      offered: parts.map(offeredIn),
      lost: parts.map((part) => offeredIn(part) - part.totalsUs.length),
      latency_ms: {
        total: {
          p2: percentiles(totals, 0.02),
          p50: percentiles(totals, 0.5),
          p95: percentiles(totals, 0.95),
        },
        inference: { p2: percentiles(inferences, 0.02) },
      },
    };
  }

  private at(sinceStartUs: number): Slice {
    let index = Math.max(0, Math.floor(sinceStartUs / this.intervalUs));
    while (index >= MOST_SLICES) {
      this.halve();
      index = Math.floor(sinceStartUs / this.intervalUs);
    }
    while (this.slices.length <= index) this.slices.push(new Slice());
    return this.slices[index] as Slice;
  }

  private halve(): void {
    const halved: Slice[] = [];
    for (const [i, slice] of this.slices.entries()) {
      if (i % 2 === 0) halved.push(slice);
      else halved.at(-1)?.take(slice);
    }
    this.slices = halved;
    this.intervalUs *= 2;
  }
}

function offeredIn({ totalsUs, errors, dropped }: Slice): number {
  return totalsUs.length + errors + sum([...dropped.values()]);
}

function ascending(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b);
}

/** Milliseconds; null of nothing. */
function mean(of: { readonly sum: number; readonly count: number } | undefined): number | null {
  return of === undefined || of.count === 0 ? null : Math.round(of.sum / of.count) / 1000;
}

/** The least of the sorted values that a share of them is at most: milliseconds; null of nothing. */
function nearestRank(sortedUs: readonly number[], share: number): number | null {
  const us = sortedUs[Math.max(0, Math.ceil(share * sortedUs.length) - 1)];
  return us === undefined ? null : us / 1000;
}
