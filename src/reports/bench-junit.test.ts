import { convert } from "xmlbuilder2";
import { describe, expect, it } from "vitest";
import type { BenchReport } from "../bench/report-schema.js";
import { parseGate } from "../config/gate.js";
import { measured, reportOf } from "../testing/measured-report.js";
import { benchJunit } from "./bench-junit.js";

const GATES = ["p95<20ms", "p95<300ms", "p99<1s", "inference.p50<1ms"].map((text) => parseGate(text));
const { result } = await measured((n) => (n % 4 === 0 ? 150_000 : 10_000), 10, 10_000_000, { gates: GATES });
const REPORT = reportOf(result);

interface Case {
  readonly "@name": string;
  readonly failure?: { readonly "@message": string };
  readonly error?: { readonly "@message": string };
}

/** The parser leaves entities as they are. */
function decoded(value: unknown): unknown {
  const text = JSON.stringify(value)
    .replaceAll("&quot;", '\\"')
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
  return JSON.parse(text);
}

function parse(xml: string) {
  const { testsuites } = decoded(convert(xml, { format: "object" })) as {
    testsuites: Record<string, string> & { testsuite: Record<string, string> & { testcase: Case | Case[] } };
  };
  return { all: testsuites, suite: testsuites.testsuite, cases: [testsuites.testsuite.testcase].flat() };
}

describe("JUnit", () => {
  it("has a case for the run and for each gate, with what is wrong", () => {
    const { all, suite, cases } = parse(benchJunit([REPORT]));
    expect(cases.map(({ "@name": name }) => name)).toEqual(["run", ...GATES.map(({ text }) => text)]);
    expect(all).toMatchObject({ "@tests": "5", "@failures": "2", "@errors": "1" });
    expect(suite).toMatchObject({ "@tests": "5", "@failures": "2", "@errors": "1", "@time": "10.000" });
    expect(cases[1]?.failure?.["@message"]).toMatch(/"p95<20ms" does not hold, measured was [\d.]+ ms/);
    expect(cases[2]).not.toHaveProperty("failure");
    expect(cases[2]).not.toHaveProperty("error");
    expect(cases[3]?.error?.["@message"]).toMatch(/"p99<1s" cannot be judged, of 459 samples needed/);
  });

  it("is a test of the run where there are no gates, and an error where it did not end", () => {
    expect(parse(benchJunit([{ ...REPORT, gates: [] }])).cases).toHaveLength(1);
    const lost: BenchReport = { ...REPORT, gates: [], verdict: "fail", ended_early: "the worker is lost" };
    expect(parse(benchJunit([lost])).cases[0]?.error?.["@message"]).toBe("the worker is lost");
    const none: BenchReport = { ...REPORT, gates: [], frames: { ...REPORT.frames, results: 0 } };
    expect(parse(benchJunit([none])).cases[0]?.error?.["@message"]).toBe("none of 100 frames gave a result");
  });

  it("has a case for stability where that is required", () => {
    const required = { ...REPORT, settings: { ...REPORT.settings, require_stable: true as const } };
    const { cases } = parse(benchJunit([required]));
    expect(cases.at(-1)).toMatchObject({
      "@name": "stable",
      error: { "@message": "the run was not judged" },
    });
  });

  it("is well-formed whatever a name has in it", () => {
    const model = 'a<b>&"\u0001\u001b[31m]]>';
    const xml = benchJunit([{ ...REPORT, environment: { ...REPORT.environment, model } }]);
    expect(parse(xml).suite["@name"]).toContain('a<b>&"??[31m]]>');
    // eslint-disable-next-line no-control-regex -- what XML does not allow
    expect(xml).not.toMatch(/[\x00-\x08\x0b\x0c\x0e-\x1f]/);
  });
});
