import type { Comparable } from "./comparable.js";
import type { FigureName, Pair, SliceFigures } from "./comparison-schema.js";

/** The percentile that stands for what a frame takes where nothing disturbs it. */
const LOW_PERCENT = 2;
/** Slices that a stored report is cut into: as many as `--against` takes pairs. */
const STORED_SLICES = 16;
/** Frames with a result that a slice of a stored report has at least, on average. */
const LEAST_A_SLICE = 10;

/** The figures of one slice that was a bench of its own. */
export function figuresOf(report: Comparable): SliceFigures {
  const { latency_ms: latency, frames, distribution, truth } = report;
  const { total } = latency;
  const low = (name: "total" | "inference") => {
    const at = distribution?.percentiles.indexOf(LOW_PERCENT) ?? -1;
    return distribution?.latency_ms[name][at] ?? null;
  };
  const lost = frames.errors + sum(Object.values(frames.dropped));
  return known({
    "total.p2": low("total"),
    "inference.p2": low("inference"),
    "total.p50": total.count === 0 ? null : total.p50,
    "total.p95": total.count === 0 ? null : total.p95,
    lost: frames.offered === 0 ? null : lost / frames.offered,
    recall: truth?.recall ?? null,
    precision: truth?.precision ?? null,
  });
}

/** Pairs of two stored reports, and how long their slices are. */
export interface StoredPairs {
  readonly pairs: Pair[];
  readonly sliceS: number;
}

/**
 * Cuts two reports into as many slices each, by their timelines: the nth of the one against the nth of the
 * other. What is known of the whole run only (recall, precision) is in no pair.
 * @returns undefined where one has no timeline, or too few frames to be cut
 */
export function pairsOfStored(base: Comparable, head: Comparable): StoredPairs | undefined {
  const n = Math.min(slicesIn(base), slicesIn(head));
  if (n < 2) return undefined;
  const [bases, heads] = [cut(base, n), cut(head, n)];
  const pairs = bases.map((figures, i) => ({ first: "base" as const, base: figures, head: heads[i] ?? {} }));
  const { interval_s: interval = 0, offered = [] } = base.timeline ?? {};
  return { pairs, sliceS: (interval * offered.length) / n };
}

function slicesIn({ timeline, frames }: Comparable): number {
  if (timeline === undefined) return 0;
  return Math.min(STORED_SLICES, timeline.offered.length, Math.floor(frames.results / LEAST_A_SLICE));
}

/** @param n at most the intervals of its timeline */
function cut({ timeline }: Comparable, n: number): SliceFigures[] {
  if (timeline === undefined) return [];
  const { offered, errors, dropped, results } = timeline;
  const { total, inference } = timeline.latency_ms;
  return Array.from({ length: n }, (_, i) => {
    const part = <T>(values: readonly T[]) =>
      values.slice(Math.round((i * values.length) / n), Math.round(((i + 1) * values.length) / n));
    const weights = part(results);
    const lost = sum(part(errors)) + sum(Object.values(dropped).map((each) => sum(part(each))));
    const frames = sum(part(offered));
    return known({
      "total.p2": weighted(part(total.p50), weights, LOW_PERCENT / 100),
      "inference.p2": weighted(part(inference.mean), weights, LOW_PERCENT / 100),
      "total.p50": weighted(part(total.p50), weights, 0.5),
      "total.p95": weighted(part(total.p95), weights, 0.95),
      lost: frames === 0 ? null : lost / frames,
    });
  });
}

/** The least of the values that, with those below it, has a share of the weight; null of nothing. */
function weighted(
  values: readonly (number | null)[],
  weights: readonly number[],
  share: number,
): number | null {
  const known = values
    .flatMap((value, i) => (value === null ? [] : [{ value, weight: weights[i] ?? 0 }]))
    .sort((a, b) => a.value - b.value);
  let left = share * sum(known.map(({ weight }) => weight));
  for (const { value, weight } of known) {
    left -= weight;
    if (left <= 0) return value;
  }
  return known.at(-1)?.value ?? null;
}

function known(
  figures: Readonly<Record<FigureName, number | null>> | Partial<Record<FigureName, number | null>>,
) {
  const entries = Object.entries(figures).filter(([, value]) => value !== null);
  return Object.fromEntries(entries) as SliceFigures;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
