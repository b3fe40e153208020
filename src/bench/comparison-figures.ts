import { droppedTotal } from "../pipeline/ledger.js";
import type { Comparable } from "./comparable.js";
import type { FigureName, Pair, SliceFigures } from "./comparison-schema.js";

/** The percentile that stands for what a frame takes where nothing disturbs it. */
const LOW_PERCENT = 2;

/** The figures of one slice that was a bench of its own. */
export function figuresOf(report: Comparable): SliceFigures {
  const { latency_ms: latency, frames, distribution, truth } = report;
  const { total } = latency;
  const low = (name: "total" | "inference") => {
    const at = distribution?.percentiles.indexOf(LOW_PERCENT) ?? -1;
    return distribution?.latency_ms[name][at] ?? null;
  };
  const lost = frames.errors + droppedTotal(frames);
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
 * The parts of two reports in pairs: the nth of the one against the nth of the other. What is known of the
 * whole run only (recall, precision) is in no pair.
 * @returns undefined where one has no parts, or but one
 */
export function pairsOfStored(base: Comparable, head: Comparable): StoredPairs | undefined {
  const [bases, heads] = [partsOf(base), partsOf(head)];
  const n = Math.min(bases.length, heads.length);
  if (n < 2) return undefined;
  const pairs = bases
    .slice(0, n)
    .map((figures, i) => ({ first: "base" as const, base: figures, head: heads[i] ?? {} }));
  return { pairs, sliceS: base.parts?.length_s ?? 0 };
}

function partsOf({ parts }: Comparable): SliceFigures[] {
  if (parts === undefined) return [];
  const { offered, lost, latency_ms: latency } = parts;
  return offered.map((frames, i) =>
    known({
      "total.p2": latency.total.p2[i] ?? null,
      "inference.p2": latency.inference.p2[i] ?? null,
      "total.p50": latency.total.p50[i] ?? null,
      "total.p95": latency.total.p95[i] ?? null,
      lost: frames === 0 ? null : (lost[i] ?? 0) / frames,
    }),
  );
}

function known(
  figures: Readonly<Record<FigureName, number | null>> | Partial<Record<FigureName, number | null>>,
) {
  const entries = Object.entries(figures).filter(([, value]) => value !== null);
  return Object.fromEntries(entries) as SliceFigures;
}
