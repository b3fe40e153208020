import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, it } from "vitest";
import { parseGate } from "../config/gate.js";
import { measured, reportOf } from "../testing/measured-report.js";
import { JSON_SCHEMAS } from "./json-schema.js";
import { ratesReport } from "./rates-report.js";
import { type BenchReport, benchReportSchema } from "./report-schema.js";

const ajv = new Ajv2020({ strict: true, allErrors: true });
const validateBench = ajv.compile(JSON_SCHEMAS["aiw.bench-1.schema.json"] as object);
const validateRates = ajv.compile(JSON_SCHEMAS["aiw.rates-1.schema.json"] as object);

async function report(): Promise<BenchReport> {
  const gates = [parseGate("p95<20ms"), parseGate("drops<=5%")];
  const { result } = await measured((n) => (n % 4 === 0 ? 250_000 : 10_000), 10, 4_000_000, { gates });
  return reportOf(result);
}

it("a report is valid by the schema that the package publishes, and by ours", async () => {
  const made = JSON.parse(JSON.stringify(await report())) as object;
  expect(validateBench(made), JSON.stringify(validateBench.errors)).toBe(true);
  expect(benchReportSchema.parse(made)).toEqual(made);
});

it("so is one of several rates", async () => {
  const run = await report();
  const made = JSON.parse(JSON.stringify(ratesReport([run, run], "finished"))) as object;
  expect(validateRates(made), JSON.stringify(validateRates.errors)).toBe(true);
});

it.each([
  ["another version of the schema", { schema: "aiw.bench/2" }],
  ["no ledger", { frames: undefined }],
  ["a verdict that there is not", { verdict: "fine" }],
  ["a share over 1", { drop_rate: 5 }],
])("what has %s is not valid", async (_, change) => {
  const made = JSON.parse(JSON.stringify({ ...(await report()), ...change })) as object;
  expect(validateBench(made)).toBe(false);
  expect(benchReportSchema.safeParse(made).success).toBe(false);
});

it("what a later version has more is no fault", async () => {
  const made = { ...(await report()), more: 1 };
  expect(validateBench(JSON.parse(JSON.stringify(made)))).toBe(true);
});

it("the frames of the slices add up to the ledger, the curves end at the maximum", async () => {
  const { frames, timeline, distribution, latency_ms: latency } = await report();
  const total = (values: readonly number[] = []) => values.reduce((sum, n) => sum + n, 0);
  expect(total(timeline.offered)).toBe(frames.offered);
  expect(total(timeline.results)).toBe(frames.results);
  expect(total(timeline.dropped.latest_wins)).toBe(frames.dropped.latest_wins);
  expect(distribution.latency_ms.total).toHaveLength(distribution.percentiles.length);
  expect(distribution.latency_ms.total.at(-1)).toBe(latency.total.max);
  expect(distribution.latency_ms.total[95]).toBe(latency.total.p95);
});

it("a report of before there were warnings has none", async () => {
  const { warnings: _, ...environment } = (await report()).environment;
  const old = JSON.parse(JSON.stringify({ ...(await report()), environment })) as object;
  expect(validateBench(old), JSON.stringify(validateBench.errors)).toBe(true);
  expect(benchReportSchema.parse(old).environment.warnings).toEqual([]);
});
