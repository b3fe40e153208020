import type { Capacity } from "./capacity.js";
import type { BenchReport } from "./report.js";

const RATES_SCHEMA = "aiw.rates/1";

/** The same bench at several rates. */
export interface RatesReport {
  readonly schema: typeof RATES_SCHEMA;
  readonly time: string;
  /** Highest rate that passes the gates, null when none does or the search was not finished; of a search only. */
  readonly max_fps?: number | null;
  /** Lowest rate above it that does not pass; null when there was none. */
  readonly failed_fps?: number | null;
  /** By rate, the lowest first. */
  readonly runs: readonly BenchReport[];
}

/** @param capacity of a search; undefined where the rates were given */
export function ratesReport(
  measured: readonly BenchReport[],
  capacity: Capacity | "unfinished" | undefined,
): RatesReport {
  const runs = measured.toSorted((a, b) => (a.settings.fps ?? 0) - (b.settings.fps ?? 0));
  const found = capacity === "unfinished" ? { passed: undefined, failed: undefined } : capacity;
  return {
    schema: RATES_SCHEMA,
    time: measured[0]?.time ?? "",
    ...(found === undefined ? {} : { max_fps: found.passed ?? null, failed_fps: found.failed ?? null }),
    runs,
  };
}
