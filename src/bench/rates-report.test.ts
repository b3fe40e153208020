import { expect, it } from "vitest";
import { parseGate } from "../config/gate.js";
import { measured, reportOf } from "../testing/measured-report.js";
import { ratesReport } from "./rates-report.js";
import type { BenchReport } from "./report-schema.js";

const gates = [parseGate("p95<50ms")];
const { result } = await measured(() => 10_000, 10, 10_000_000, { gates });
const PASSED = reportOf(result);

function run(fps: number, verdict: BenchReport["verdict"], more: Partial<BenchReport> = {}): BenchReport {
  return { ...PASSED, settings: { ...PASSED.settings, fps }, verdict, ...more };
}

it("has the runs by their rates, and what was found between them", () => {
  const runs = [run(12, "pass"), run(48, "fail"), run(24, "pass"), run(36, "insufficient")];
  const report = ratesReport(runs, "finished");
  expect(report.runs.map(({ settings: { fps } }) => fps)).toEqual([12, 24, 36, 48]);
  expect(report).toMatchObject({ max_fps: 24, failed_fps: 36 });
  expect(report).not.toHaveProperty("unfinished");
});

it("keeps what a search that was not finished has found, without the run that was cut off", () => {
  const early = { ended_early: "interrupted" };
  const report = ratesReport([run(12, "pass"), run(24, "pass"), run(48, "pass", early)], "unfinished");
  expect(report).toMatchObject({ max_fps: 24, failed_fps: null, unfinished: true });
});

it("finds nothing where no rate passes, and is not asked where the rates were given", () => {
  expect(ratesReport([run(2, "fail"), run(1, "fail")], "finished")).toMatchObject({
    max_fps: null,
    failed_fps: 1,
  });
  expect(ratesReport([run(2, "fail")])).not.toHaveProperty("max_fps");
});
