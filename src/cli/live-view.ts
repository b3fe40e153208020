import type { RunningMeasurement } from "../bench/measure.js";
import { liveLine } from "../reports/live-line.js";
import type { Progress } from "./progress.js";

/** Between two changes of the line, milliseconds. */
const REFRESH_MS = 500;
/** Stays free, lest the terminal wraps. */
const BESIDE_COLUMNS = 1;

/**
 * A line of a terminal that is made anew each time, also while nothing happens.
 * @param lineOf given the columns that there are
 * @returns what shows it at once, and what ends that
 */
export function refreshLine(
  progress: Progress,
  everyMs: number,
  lineOf: (columns: number) => string,
): { readonly show: () => void; readonly end: () => void } {
  const show = () => progress.show(lineOf((process.stderr.columns || 80) - BESIDE_COLUMNS));
  const timer = setInterval(show, everyMs);
  return { show, end: () => clearInterval(timer) };
}

/** The live line of a run, on a terminal. */
export function showLive(progress: Progress, planUs: number) {
  let end = () => {};
  return {
    start: (run: RunningMeasurement) => {
      if (!progress.isLive) return;
      const lineOf = (columns: number) => liveLine(run, planUs, columns);
      const line = refreshLine(progress, REFRESH_MS, lineOf);
      line.show();
      ({ end } = line);
    },
    stop: () => end(),
  };
}
