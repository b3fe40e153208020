import { LatencyHistogram } from "../results/latency.js";
import type { Stability } from "./report-schema.js";
import type { ResultTime } from "./result-times.js";

const WINDOWS = 3;
/** Fewer results in a window are too few to compare p95 of windows. */
export const MIN_RESULTS = 130;
/** A stable run's largest window is at most this much above its smallest. */
const TOLERANCE = 0.1;

/**
 * Cuts a run into three windows by due time. It is stable when the largest p95 and throughput are
 * within 10 % of the smallest; with fewer than 130 results in a window it is not judged.
 * @param results of the run
 * @param lengthUs of the run, microseconds
 */
export function judgeStability(results: Iterable<ResultTime>, lengthUs: number): Stability {
  const durationUs = Math.max(1, lengthUs);
  const histograms = Array.from({ length: WINDOWS }, () => new LatencyHistogram());
  for (const { dueUs, totalUs } of results) {
    const index = Math.min(WINDOWS - 1, Math.max(0, Math.floor((dueUs / durationUs) * WINDOWS)));
    histograms[index]?.record(totalUs);
  }
  const windowS = durationUs / WINDOWS / 1e6;
  const windows = histograms.map((histogram) => {
    const { count, p95 } = histogram.summary();
    return { p95, fps: count / windowS, results: count };
  });
  if (windows.some(({ results }) => results < MIN_RESULTS)) return { verdict: "not judged", windows };
  const within = (values: number[]) => Math.max(...values) <= Math.min(...values) * (1 + TOLERANCE);
  const stable = within(windows.map(({ p95 }) => p95)) && within(windows.map(({ fps }) => fps));
  return { verdict: stable ? "stable" : "unstable", windows };
}
