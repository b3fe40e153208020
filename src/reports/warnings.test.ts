import { describe, expect, it } from "vitest";
import { environmentOf } from "../bench/report.js";
import { readComparable } from "../bench/comparable.js";
import { differencesOf } from "../bench/differences.js";
import { ratesReport } from "../bench/rates-report.js";
import type { BenchReport } from "../bench/report-schema.js";
import type { WorkerInfo } from "../client/worker-client.js";
import { Tally } from "../results/tally.js";
import { measured, reportOf } from "../testing/measured-report.js";
import { benchMarkdown, ratesMarkdown } from "./bench-markdown.js";
import { benchPage } from "./bench-page.js";
import { benchTable } from "./bench-table.js";
import { ratesPage } from "./rates-page.js";
import { ratesTable } from "./rates-table.js";
import { runSummary } from "./run-summary.js";

const { result } = await measured(() => 10_000, 10, 4_000_000);
const PLAIN = reportOf(result);
const WARNINGS = ["shape only: random weights, no detections to expect", "<b>odd\u001b[31m</b>"];
const REPORT: BenchReport = { ...PLAIN, environment: { ...PLAIN.environment, warnings: WARNINGS } };
const RATES = ratesReport([REPORT, REPORT], "finished");
const COUNTS = { offered: 1, sent: 1, results: 1, errors: 0, inFlight: 0, dropped: {} };

const count = (text: string, part: string) => text.split(part).length - 1;

describe("what the worker says of a model", () => {
  it.each([
    ["the table", benchTable(REPORT)],
    ["the table of rates", ratesTable(RATES)],
    ["the Markdown", benchMarkdown(REPORT)],
    ["the Markdown of rates", ratesMarkdown(RATES)],
    ["the page", benchPage(REPORT)],
    ["the page of rates", ratesPage(RATES)],
    ["the summary of a run", runSummary(COUNTS, new Tally(), 1e6, WARNINGS)],
  ])("is in %s, once", (_, text) => {
    expect(count(text, "shape only: random weights, no detections to expect")).toBe(1);
  });

  it("is no markup, and nothing that a terminal obeys", () => {
    expect(benchPage(REPORT)).not.toContain("<b>odd");
    expect(benchMarkdown(REPORT)).not.toContain("<b>odd");
    expect(benchTable(REPORT)).not.toContain("\u001b");
    expect(runSummary(COUNTS, new Tally(), 1e6, WARNINGS)).not.toContain("\u001b");
  });

  it("fits into 80 columns", () => {
    const long = { ...PLAIN.environment, warnings: ["x".repeat(200), "word ".repeat(39).trim()] };
    const lines = benchTable({ ...PLAIN, environment: long }).split("\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it("leaves no trace where there is nothing to say", () => {
    for (const text of [benchTable(PLAIN), benchMarkdown(PLAIN), benchPage(PLAIN)])
      expect(text.toLowerCase()).not.toContain("warning");
  });

  it("is taken from the session", () => {
    const info: Partial<WorkerInfo> = { warnings: WARNINGS, runtime: "onnxruntime 1", providers: [] };
    expect(environmentOf(info as WorkerInfo, PLAIN.environment, "m.onnx").warnings).toEqual(WARNINGS);
  });

  it("makes no two reports incomparable", () => {
    const { warnings: _, ...before } = PLAIN.environment;
    const [old, ours] = [{ ...PLAIN, environment: before }, REPORT].map((report) =>
      readComparable(JSON.stringify(report)),
    );
    if (!("report" in old!) || !("report" in ours!)) throw new Error("not comparable");
    expect(differencesOf(old.report, ours.report)).toEqual({ clashes: [], versions: [] });
  });
});
