import type { RunningMeasurement } from "../bench/measure.js";
import { liveLine } from "../reports/live-line.js";
import type { Progress } from "./progress.js";

/** Between two changes of the line, milliseconds. */
const REFRESH_MS = 500;
/** Stays free, lest the terminal wraps. */
const BESIDE_COLUMNS = 1;

/** The live line of a run, on a terminal; it is refreshed also while nothing comes back. */
export function showLive(progress: Progress, planUs: number) {
  let timer: NodeJS.Timeout | undefined;
  return {
    start: (run: RunningMeasurement) => {
      if (!progress.isLive) return;
      const show = () =>
        progress.show(liveLine(run, planUs, (process.stderr.columns || 80) - BESIDE_COLUMNS));
      show();
      timer = setInterval(show, REFRESH_MS);
    },
    stop: () => clearInterval(timer),
  };
}
