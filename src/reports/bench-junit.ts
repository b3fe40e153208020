import { create } from "xmlbuilder2";
import type { BenchReport, JudgedGate } from "../bench/report-schema.js";
import { benchTable } from "./bench-table.js";
import { gateProblem } from "./gate-words.js";

interface Case {
  readonly name: string;
  readonly problem?: { readonly kind: "failure" | "error"; readonly type: string; readonly message: string };
}

/**
 * Benches as JUnit XML, one test suite each. A suite has a case for the run itself, so that a bench without
 * gates is a test as well, one for each gate and one for stability where that is required. What fails is a
 * `failure`; what could not be judged is an `error`, since no CI system may take it as passed.
 */
export function benchJunit(reports: readonly BenchReport[]): string {
  const suites = reports.map((report) => ({ report, cases: casesOf(report) }));
  const root = create({ version: "1.0", encoding: "UTF-8", invalidCharReplacement: "?" }).ele("testsuites", {
    name: "aiw bench",
    ...countsOf(suites.flatMap(({ cases }) => cases)),
    time: seconds(reports.reduce((sum, { duration_s }) => sum + duration_s, 0)),
  });
  for (const { report, cases } of suites) {
    const suite = root.ele("testsuite", {
      name: suiteName(report),
      ...countsOf(cases),
      skipped: "0",
      time: seconds(report.duration_s),
      timestamp: report.time.replace(/\.\d+Z$/, ""),
    });
    const properties = suite.ele("properties");
    for (const [name, value] of propertiesOf(report)) properties.ele("property", { name, value });
    for (const { name, problem } of cases) {
      // The time is that of the run: a gate takes none of its own.
      const node = suite.ele("testcase", {
        classname: suiteName(report),
        name,
        time: seconds(report.duration_s),
      });
      if (problem !== undefined) {
        const { kind, type, message } = problem;
        node.ele(kind, { type, message }).txt(message);
      }
    }
    suite.ele("system-out").txt(benchTable(report));
  }
  return `${root.end({ prettyPrint: true })}\n`;
}

function suiteName({ environment: { model }, settings: { fps } }: BenchReport): string {
  return `aiw bench ${model}${fps === null ? "" : ` at ${fps} fps`}`;
}

function casesOf(report: BenchReport): Case[] {
  const { gates, settings, stability } = report;
  return [
    runCase(report),
    ...gates.map(gateCase),
    ...(settings.require_stable === true ? [stableCase(stability.verdict)] : []),
  ];
}

/** Whether the run came to its end, and to results. */
function runCase({ frames, ended_early: early }: BenchReport): Case {
  const name = "run";
  if (early !== undefined) return { name, problem: { kind: "error", type: "ended early", message: early } };
  if (frames.results > 0) return { name };
  const message = `none of ${frames.offered} frames gave a result`;
  return { name, problem: { kind: "error", type: "no results", message } };
}

function gateCase(gate: JudgedGate): Case {
  const { gate: name, verdict } = gate;
  if (verdict === "pass") return { name };
  const kind = verdict === "fail" ? "failure" : "error";
  return { name, problem: { kind, type: verdict, message: gateProblem(gate) } };
}

function stableCase(verdict: BenchReport["stability"]["verdict"]): Case {
  const name = "stable";
  if (verdict === "stable") return { name };
  return { name, problem: { kind: "error", type: "insufficient", message: `the run was ${verdict}` } };
}

function countsOf(cases: readonly Case[]) {
  const of = (kind: string) => cases.filter(({ problem }) => problem?.kind === kind).length;
  return { tests: String(cases.length), failures: String(of("failure")), errors: String(of("error")) };
}

function propertiesOf({ environment, settings }: BenchReport): [string, string][] {
  const { cpu, cores, runtime, provider, threads, aiw, model_id: modelId } = environment;
  const { source, duration_s: duration, size } = settings;
  return Object.entries({ aiw, cpu, cores, runtime, provider, threads, modelId, source, duration, size }).map(
    ([name, value]) => [name, String(value ?? "")],
  );
}

function seconds(value: number): string {
  return value.toFixed(3);
}
