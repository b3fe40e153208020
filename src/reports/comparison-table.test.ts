import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, it } from "vitest";
import { comparePairs } from "../bench/comparison.js";
import { type ComparisonReport, comparisonSchema, type Pair } from "../bench/comparison-schema.js";
import { JSON_SCHEMAS } from "../bench/json-schema.js";
import { comparisonMarkdown } from "./comparison-markdown.js";
import { comparisonTable } from "./comparison-table.js";

function report(pairs: readonly Pair[], more: Partial<ComparisonReport> = {}): ComparisonReport {
  const { figures, verdict, pairsNeeded } = comparePairs(pairs, 0.05);
  const side = { time: "2026-01-01T00:00:00.000Z", environment: {}, settings: { fps: 12 } };
  return {
    ...{ schema: "aiw.comparison/1", time: "2026-01-01T00:00:00.000Z", method: "interleaved" as const },
    ...{ max_regression: 0.05, slice_s: 3.5, figures, pairs, verdict, pairs_needed: pairsNeeded },
    base: { name: "--threads 1", ...side },
    head: { name: "aiw bench --threads=2", ...side },
    differences: [{ what: "threads", base: "1", head: "2" }],
    warnings: [],
    ...more,
  };
}

const PAIRS: Pair[] = Array.from({ length: 16 }, (_, i) => ({
  first: i % 2 === 0 ? "base" : "head",
  base: { "total.p2": 1234.5 + i, "total.p50": 15.6, lost: 0, recall: 0.99 },
  head: { "total.p2": 1358 + i, "total.p50": i % 2 === 0 ? 7 : 30, lost: 0.5, recall: 0.5 },
}));

it("a comparison is a table of a row a figure, at most 80 columns wide", () => {
  const text = comparisonTable(
    report(PAIRS, { warnings: ["long ".repeat(40).trim()], ended_early: "interrupted by SIGINT" }),
  );
  const lines = text.split("\n");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(lines.slice(0, 3)).toEqual([
    "base        --threads 1",
    "head        aiw bench --threads=2",
    "differs     threads: 1 -> 2",
  ]);
  const rows = lines
    .filter((line) => /^│ /.test(line))
    .map((line) => line.split("│").map((cell) => cell.trim()));
  expect(rows.map((cells) => cells.slice(1, -1))).toEqual([
    ["16 pairs", "base", "head", "change", "noise band", "verdict"],
    ["total p2, ms *", "1242.00", "1365.50", "1.099", "1.099 … 1.100", "regress"],
    ["total p50, ms", "15.60", "18.50", "1.186", "0.449 … 1.923", "unclear"],
    ["no result, points", "0.0 %", "50.0 %", "+50.0", "+50.0 … +50.0", "regress"],
    ["recall", "99.0 %", "50.0 %", "0.505", "0.505 … 0.505", "regress"],
  ]);
  expect(text.replace(/\s+/g, " ")).toContain("bands hold the true median at 99.0 % or more; limit 5 %");
  expect(lines.slice(-2)).toEqual(["ended early interrupted by SIGINT", "verdict     regress"]);
});

it("names at most a dozen differences, and cuts what is too long", () => {
  const differences = Array.from({ length: 15 }, (_, i) => ({
    what: `w${i}`,
    base: "x".repeat(99),
    head: "y",
  }));
  const lines = comparisonTable(report([], { differences })).split("\n");
  expect(lines.filter((line) => line.startsWith("differs"))).toHaveLength(13);
  expect(lines).toContain("differs     in 3 more");
  expect(Math.max(...lines.map((line) => line.length))).toBe(80);
  expect(lines.at(-1)).toBe("verdict     insufficient");
});

it("is Markdown in which the words of others stay words", () => {
  const base = { ...report(PAIRS).base, name: "node `x`/aiw.js bench --classes a|b" };
  const text = comparisonMarkdown(report(PAIRS, { base, warnings: ["a_b <c>"] }));
  expect(text).toContain("### aiw comparison: regress\n");
  expect(text).toContain("- base: node \\`x\\`/aiw.js bench --classes a\\|b\n");
  expect(text).toContain("| total p2, ms \\* | 1242.00 | 1365.50 | 1.099 | 1.099 … 1.100 | regress |\n");
  expect(text).toContain("> a\\_b &lt;c&gt;\n");
  const rows = text.split("\n").filter((line) => line.startsWith("|"));
  expect(rows.map((line) => line.split("|").length)).toEqual(rows.map(() => 8));
});

it("is valid by the schema that the package publishes, and by ours", () => {
  const made = JSON.parse(JSON.stringify(report(PAIRS))) as object;
  const validate = new Ajv2020({ strict: true }).compile(
    JSON_SCHEMAS["aiw.comparison-1.schema.json"] as object,
  );
  expect(validate(made), JSON.stringify(validate.errors)).toBe(true);
  expect(comparisonSchema.parse(made)).toEqual(made);
  const bad = { ...made, verdict: "fine" };
  expect([validate(bad), comparisonSchema.safeParse(bad).success]).toEqual([false, false]);
});
