import { type BenchReport, RATES_SCHEMA, type RatesReport } from "./report-schema.js";

/** @param search of a search: whether it came to its end; undefined where the rates were given */
export function ratesReport(
  measured: readonly BenchReport[],
  search?: "finished" | "unfinished",
): RatesReport {
  const runs = measured.toSorted((a, b) => rateOf(a) - rateOf(b));
  return {
    schema: RATES_SCHEMA,
    time: measured[0]?.time ?? "",
    ...(search === undefined ? {} : foundIn(runs)),
    ...(search === "unfinished" ? { unfinished: true as const } : {}),
    runs,
  };
}

/** @param runs by rate, the lowest first */
function foundIn(runs: readonly BenchReport[]) {
  const whole = runs.filter(({ ended_early: early }) => early === undefined);
  const passed = whole.findLast(({ verdict }) => verdict === "pass");
  const from = passed === undefined ? 0 : rateOf(passed);
  const failed = whole.find((run) => run.verdict !== "pass" && rateOf(run) > from);
  return { max_fps: passed?.settings.fps ?? null, failed_fps: failed?.settings.fps ?? null };
}

function rateOf({ settings: { fps } }: BenchReport): number {
  return fps ?? 0;
}
