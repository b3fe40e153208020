import { sum } from "../core/sum.js";
import type { DropReason } from "../pipeline/ledger.js";
import type { FrameOutcome } from "../results/frame-outcome.js";
import { isResult } from "../results/frame-outcome.js";
import { type Stage, STAGES } from "../results/stages.js";
import type { Parts, Timeline } from "./report-schema.js";
import { ResultTimes } from "./result-times.js";

/** Slices of a run at the most, whatever its length: what a page can draw and a report can carry. */
const MOST_SLICES = 240;
/** Length of a slice while there are few, microseconds: 240 of them are 30 s. */
const SHORTEST_US = 125_000;

/** Parts of a run at the most: pairs that two stored reports can make, some more than a verdict needs. */
const MOST_PARTS = 16;
/** Frames that a part has at least, on average. */
const LEAST_A_PART = 10;

/** A number of each slice. */
const perSlice = () => new Float64Array(MOST_SLICES);

/**
 * What a run was like over time, in slices of equal length: each frame counts in the slice in which it was
 * due, so that what a frozen worker did shows where it began. When a run outgrows its slices, two become one.
 */
export class TimelineRecorder {
  /** Of each result, which percentiles are taken of at the end. */
  readonly times = new ResultTimes();
  private intervalUs = SHORTEST_US;
  /** Slices so far. */
  private length = 0;
  private readonly results = perSlice();
  private readonly errors = perSlice();
  private readonly dropped = new Map<DropReason, Float64Array>();
  /** Of the stages that were reported: microseconds, and how many there were. */
  private readonly stages = STAGES.map((name) => ({ name, sum: perSlice(), count: perSlice() }));

  /** @param sinceStartUs the frame's due time, from the start of the run */
  add(outcome: FrameOutcome, sinceStartUs: number): void {
    const slice = this.at(sinceStartUs);
    if (!isResult(outcome)) {
      increase(this.errors, slice);
      return;
    }
    const { latency } = outcome;
    increase(this.results, slice);
    this.times.add(sinceStartUs, latency.total, latency.inference);
    for (const { name, sum, count } of this.stages) {
      const us = latency[name];
      if (us === null) continue;
      increase(sum, slice, us);
      increase(count, slice);
    }
  }

  drop(reason: DropReason, sinceStartUs: number): void {
    const slice = this.at(sinceStartUs);
    let dropped = this.dropped.get(reason);
    if (dropped === undefined) this.dropped.set(reason, (dropped = perSlice()));
    increase(dropped, slice);
  }

  /** @param durationUs length of the run: slices in which nothing was due are there as well */
  timeline(durationUs: number): Timeline {
    const length = this.slicesIn(durationUs);
    const all = Array.from({ length }, (_, slice) => slice);
    const shown = (of: Float64Array) => [...of.subarray(0, length)];
    const totals = this.sortedTimes(length, (slice) => slice).total;
    return {
      interval_s: this.intervalUs / 1e6,
      offered: all.map((slice) => this.offeredIn(slice)),
      results: shown(this.results),
      errors: shown(this.errors),
      dropped: Object.fromEntries([...this.dropped].map(([reason, of]) => [reason, shown(of)])),
      latency_ms: {
        total: {
          mean: totals.map((us) => mean(sum(us), us.length)),
          p50: totals.map((us) => nearestRank(us, 0.5)),
          p95: totals.map((us) => nearestRank(us, 0.95)),
          max: totals.map((us) => nearestRank(us, 1)),
        },
        wait: { mean: this.means("wait") },
        transport: { mean: this.means("transport") },
        queue: { mean: this.means("queue") },
        preprocess: { mean: this.means("preprocess") },
        inference: { mean: this.means("inference") },
        postprocess: { mean: this.means("postprocess") },
      },
    };
  }

  /**
   * The run in fewer, longer slices, with percentiles that are taken over all the frames of each.
   * @param durationUs length of the run
   */
  parts(durationUs: number): Parts {
    const length = this.slicesIn(durationUs);
    const slices = Array.from({ length }, (_, slice) => slice);
    const all = sum(slices.map((slice) => this.offeredIn(slice)));
    const n = Math.max(1, Math.min(MOST_PARTS, length, Math.floor(all / LEAST_A_PART)));
    const firsts = Array.from({ length: n }, (_, part) => Math.round((part * length) / n));
    const partOf = slices.map((slice) => firsts.findLastIndex((first) => first <= slice));
    const { total, inference } = this.sortedTimes(n, (slice) => partOf[slice] ?? 0);
    const offered = new Array<number>(n).fill(0);
    for (const slice of slices) {
      const part = partOf[slice] ?? 0;
      offered[part] = (offered[part] ?? 0) + this.offeredIn(slice);
    }
    const percentiles = (of: readonly Float64Array[], share: number) =>
      of.map((us) => nearestRank(us, share));
    return {
      length_s: (this.intervalUs * length) / n / 1e6,
      offered,
      lost: offered.map((count, part) => count - (total[part]?.length ?? 0)),
      latency_ms: {
        total: {
          p2: percentiles(total, 0.02),
          p50: percentiles(total, 0.5),
          p95: percentiles(total, 0.95),
        },
        inference: { p2: percentiles(inference, 0.02) },
      },
    };
  }

  /** Slices of a run of that length. */
  private slicesIn(durationUs: number): number {
    if (durationUs > 0) this.at(durationUs - 1);
    return this.length;
  }

  private offeredIn(slice: number): number {
    const counts = [this.results, this.errors, ...this.dropped.values()];
    return sum(counts.map((of) => of[slice] ?? 0));
  }

  private means(stage: Stage): (number | null)[] {
    const found = this.stages.find(({ name }) => name === stage);
    return Array.from({ length: this.length }, (_, slice) =>
      mean(found?.sum[slice] ?? 0, found?.count[slice] ?? 0),
    );
  }

  /** Microseconds, ascending, in groups of slices. */
  private sortedTimes(groups: number, groupOf: (slice: number) => number) {
    const collected = Array.from({ length: groups }, () => ({
      total: [] as number[],
      inference: [] as number[],
    }));
    for (const { dueUs, totalUs, inferenceUs } of this.times) {
      const group = collected[groupOf(this.indexOf(dueUs))];
      group?.total.push(totalUs);
      if (inferenceUs !== null) group?.inference.push(inferenceUs);
    }
    const sorted = (of: "total" | "inference") =>
      collected.map((group) => Float64Array.from(group[of]).sort());
    return { total: sorted("total"), inference: sorted("inference") };
  }

  /** A camera's frame may have been captured before the start. */
  private indexOf(sinceStartUs: number): number {
    return Math.max(0, Math.floor(sinceStartUs / this.intervalUs));
  }

  private at(sinceStartUs: number): number {
    while (this.indexOf(sinceStartUs) >= MOST_SLICES) this.halve();
    const slice = this.indexOf(sinceStartUs);
    this.length = Math.max(this.length, slice + 1);
    return slice;
  }

  private halve(): void {
    for (const of of [this.results, this.errors, ...this.dropped.values()]) joinPairs(of);
    for (const { sum, count } of this.stages) {
      joinPairs(sum);
      joinPairs(count);
    }
    this.length = Math.ceil(this.length / 2);
    this.intervalUs *= 2;
  }
}

function increase(of: Float64Array, slice: number, by = 1): void {
  of[slice] = (of[slice] ?? 0) + by;
}

/** Two slices become one, from the first on; behind them there is nothing. */
function joinPairs(of: Float64Array): void {
  for (let i = 0; i < of.length / 2; i++) of[i] = (of[2 * i] ?? 0) + (of[2 * i + 1] ?? 0);
  of.fill(0, of.length / 2);
}

/** Milliseconds; null of nothing. */
function mean(sumUs: number, count: number): number | null {
  return count === 0 ? null : Math.round(sumUs / count) / 1000;
}

/** The least of the sorted values that a share of them is at most: milliseconds; null of nothing. */
function nearestRank(sortedUs: Float64Array, share: number): number | null {
  const us = sortedUs[Math.max(0, Math.ceil(share * sortedUs.length) - 1)];
  return us === undefined ? null : us / 1000;
}
