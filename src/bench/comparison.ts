import { median } from "../core/median.js";
import { FIGURES, type FigureName, type JudgedFigure, type Pair } from "./comparison-schema.js";
import { leastForBand, medianBand } from "./median-band.js";

interface FigureRule {
  readonly change: JudgedFigure["change"];
  readonly worse: "higher" | "lower";
  /** Chance of a noise band that is beyond the true median to one side. */
  readonly alpha: number;
}

/**
 * How each figure is judged. Where nothing has changed a regression is seen by chance only if a band lies
 * wholly beyond 1; the chances of all figures together are one in a hundred, so that is the most that the
 * false alarms of a whole verdict can be, however noisy the machine is (a union bound; it needs only that
 * within a pair either side was as likely to be disturbed).
 */
const RULES: Readonly<Record<FigureName, FigureRule>> = {
  "total.p2": { change: "ratio", worse: "higher", alpha: 0.005 },
  "inference.p2": { change: "ratio", worse: "higher", alpha: 0.0025 },
  "total.p50": { change: "ratio", worse: "higher", alpha: 0.0005 },
  "total.p95": { change: "ratio", worse: "higher", alpha: 0.0005 },
  lost: { change: "difference", worse: "higher", alpha: 0.0005 },
  recall: { change: "ratio", worse: "lower", alpha: 0.0005 },
  precision: { change: "ratio", worse: "lower", alpha: 0.0005 },
};

/** Pairs without which no figure has a band. */
export const LEAST_PAIRS = Math.max(...Object.values(RULES).map(({ alpha }) => leastForBand(alpha)));

/** The first of them that both sides have decides; an older aiw reports no 2nd percentile. */
const DECIDING = ["total.p2", "total.p50"] as const;

/** Both sides of one figure or more, over all that was run. */
export interface Whole extends Pick<Pair, "base" | "head"> {
  /** Known without noise, and so judged as it is; else it is shown, and unclear. */
  readonly isExact: boolean;
}

export interface Comparison {
  readonly figures: readonly JudgedFigure[];
  readonly verdict: "regress" | "same" | "better" | "insufficient";
  /** Pairs that would about settle what is insufficient; null when it is settled. */
  readonly pairsNeeded: number | null;
}

/**
 * Judges head against base by pairs of slices that were run next to each other.
 *
 * Of each figure the change within each pair is taken (head / base; of the share of frames without a result
 * the difference), then their median with a distribution-free noise band (`medianBand`). With a limit of 5 %:
 *
 * - regress: the median is worse by more than 5 %, and the whole band is worse than no change;
 * - better: the same to the other side;
 * - same: the median is not worse by more than 5 %, and the whole band is below twice the limit: a regression
 *   of 10 % would have been seen;
 * - else it is unclear.
 *
 * What decides is the 2nd percentile of the total latency: what a frame takes where nothing disturbs it. On a
 * shared machine other work only ever adds to a frame's time, so low quantiles repeat far better than medians
 * and means (Chen and Revels, Robust benchmarking in noisy environments, 2016, arXiv:1608.04295). The other
 * figures can make it a regression, and leave it undecided only where they (but p95) look worse by more than
 * twice the limit: that is not the same.
 *
 * @param limit a fraction above 0 and below 1
 * @param whole figures that are known of all that was run, and not of each pair
 */
export function comparePairs(
  pairs: readonly Pair[],
  limit: number,
  whole: Whole = { base: {}, head: {}, isExact: true },
): Comparison {
  const deciding = DECIDING.find((name) => pairs.some(({ base, head }) => name in base && name in head));
  const figures = FIGURES.flatMap((name) => {
    const decides = name === deciding;
    return name in whole.base && name in whole.head
      ? judge(name, [whole], limit, { decides, isExact: whole.isExact })
      : judge(name, pairs, limit, { decides, isExact: false });
  });
  const decisive = figures.find(({ decides }) => decides);
  const some = (wanted: JudgedFigure["verdict"]) => figures.some(({ verdict }) => verdict === wanted);
  if (some("regress")) return { figures, verdict: "regress", pairsNeeded: null };
  if (decisive === undefined || decisive.verdict === "unclear") {
    const pairsNeeded = decisive === undefined ? null : pairsThatSettle(decisive, limit);
    return { figures, verdict: "insufficient", pairsNeeded };
  }
  const suspect = figures.find(
    ({ figure, value, verdict }) =>
      // A p95 of short slices is beyond that by chance too often.
      figure !== "total.p95" &&
      verdict === "unclear" &&
      value !== null &&
      worsening(figure, value) > 2 * limit,
  );
  if (suspect !== undefined)
    return { figures, verdict: "insufficient", pairsNeeded: pairsThatSettle(suspect, limit) };
  return { figures, verdict: some("better") ? "better" : "same", pairsNeeded: null };
}

/**
 * Figures of which each pair says the same, whatever the machine does: of slices that looked at the same
 * frames of a scene and lost none, how much of it was found.
 */
export function exactFigures(pairs: readonly Pair[]): Whole {
  const [first] = pairs;
  if (first === undefined) return { base: {}, head: {}, isExact: true };
  const names = (["recall", "precision"] as const).filter((name) =>
    pairs.every(({ base, head }) => {
      const isWhole = base.lost === 0 && head.lost === 0;
      return isWhole && base[name] === first.base[name] && head[name] === first.head[name];
    }),
  );
  const only = (of: Pair["base"]) =>
    Object.fromEntries(names.flatMap((name) => (of[name] === undefined ? [] : [[name, of[name]]])));
  return { base: only(first.base), head: only(first.head), isExact: true };
}

/** By how much head is worse than base, as a fraction, by a change as it is reported; below 0 it is better. */
export function worsening(figure: FigureName, change: number): number {
  const { change: kind, worse } = RULES[figure];
  if (kind === "difference") return change;
  return worse === "higher" ? change - 1 : 1 - change;
}

function judge(
  name: FigureName,
  pairs: readonly Pick<Pair, "base" | "head">[],
  limit: number,
  { decides, isExact }: { readonly decides: boolean; readonly isExact: boolean },
): JudgedFigure[] {
  const { change, alpha } = RULES[name];
  const both = pairs.flatMap(({ base: { [name]: base }, head: { [name]: head } }) =>
    base === undefined || head === undefined ? [] : [{ base, head }],
  );
  // Nothing can be in proportion to nothing.
  const usable = change === "ratio" ? both.filter(({ base }) => base > 0) : both;
  const changes = usable.map(({ base, head }) => (change === "ratio" ? head / base : head - base));
  if (changes.length === 0) return [];
  const value = median(changes);
  const band = isExact ? { median: value, low: value, high: value } : medianBand(changes, alpha);
  return [
    {
      figure: name,
      change,
      decides,
      base: median(usable.map(({ base }) => base)),
      head: median(usable.map(({ head }) => head)),
      value,
      low: band?.low ?? null,
      high: band?.high ?? null,
      confidence: isExact ? 1 : 1 - 2 * alpha,
      pairs: changes.length,
      verdict: band === undefined ? "unclear" : verdictOf(name, band, limit),
    },
  ];
}

interface Band {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

function verdictOf(name: FigureName, band: Band, limit: number): JudgedFigure["verdict"] {
  const { worst, middle, best } = oriented(name, band);
  if (middle > limit) return best > 0 ? "regress" : "unclear";
  if (middle < -limit && worst < 0) return "better";
  return worst < 2 * limit ? "same" : "unclear";
}

/** A band as worsenings. */
function oriented(name: FigureName, { median: middle, low, high }: Band) {
  const ends = [worsening(name, low), worsening(name, high)];
  return { worst: Math.max(...ends), middle: worsening(name, middle), best: Math.min(...ends) };
}

/**
 * About how many pairs would settle it, were they like those there are: a band's width goes with one over the
 * root of their number. An even number, so that either side is first as often.
 */
function pairsThatSettle({ figure, value, low, high, pairs }: JudgedFigure, limit: number): number {
  const least = LEAST_PAIRS + (LEAST_PAIRS % 2);
  if (value === null || low === null || high === null) return least;
  const { worst, middle, best } = oriented(figure, { median: value, low, high });
  const [has, mayHave] = middle > limit ? [middle - best, middle] : [worst - middle, 2 * limit - middle];
  const wanted = Math.max(pairs + 2, least, Math.ceil(pairs * (has / mayHave) ** 2));
  return wanted + (wanted % 2);
}
