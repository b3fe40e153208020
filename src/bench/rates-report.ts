import type { Capacity } from "./capacity.js";
import { type BenchReport, RATES_SCHEMA, type RatesReport } from "./report-schema.js";

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
