import { describe, expect, it } from "vitest";
import { ratesReport } from "../bench/rates-report.js";
import type { BenchReport } from "../bench/report-schema.js";
import { parseGate } from "../config/gate.js";
import { measured, reportOf } from "../testing/measured-report.js";
import { benchMarkdown, ratesMarkdown } from "./bench-markdown.js";

const GATES = ["p95<20ms", "drops<=99%"].map((text) => parseGate(text));
const { result } = await measured((n) => (n % 4 === 0 ? 150_000 : 10_000), 10, 10_000_000, { gates: GATES });
const REPORT = reportOf(result);

/** Cells of each table in it; a "|" that is escaped belongs to its cell. */
function tables(markdown: string): string[][][] {
  const blocks = markdown.split("\n\n").filter((block) => block.startsWith("|"));
  return blocks.map((block) =>
    block
      .trim()
      .split("\n")
      .map((line) => line.split(/(?<!\\)\|/).slice(1, -1)),
  );
}

describe("Markdown", () => {
  it("has tables whose rows are all as long as their heads", () => {
    const all = tables(benchMarkdown(REPORT));
    expect(all.length).toBeGreaterThanOrEqual(4);
    for (const [head = [], rule = [], ...rows] of all) {
      expect(rule.every((cell) => /^ -{3}:? $/.test(cell))).toBe(true);
      for (const row of [rule, ...rows]) expect(row).toHaveLength(head.length);
    }
  });

  it("says the verdict first, and what does not hold in bold", () => {
    const markdown = benchMarkdown(REPORT);
    expect(markdown).toMatch(/^### aiw bench: fail\n/);
    expect(markdown).toMatch(/\| p95&lt;20ms \| [\d.]+ ms \| 20 ms \| \d+ \| \*\*fail\*\* \|/);
    expect(markdown).toMatch(/\| drops&lt;=99% \| .* \| pass \|/);
  });

  it("takes no name for markup", () => {
    const odd = "a|b`c`<script>*_[x](http://y)\n# z @someone";
    const report: BenchReport = {
      ...REPORT,
      environment: { ...REPORT.environment, model: odd },
      detections: { total: 1, by_class: { [odd]: 1 } },
    };
    const markdown = benchMarkdown(report);
    expect(markdown).not.toContain("<script>");
    expect(markdown).toContain("a\\|b\\`c\\`&lt;script&gt;\\*\\_\\[x\\](http://y) \\# z \\@someone");
    for (const [head = [], ...rows] of tables(markdown))
      for (const row of rows) expect(row).toHaveLength(head.length);
  });

  it("has a table of rates with what was found", () => {
    const markdown = ratesMarkdown(ratesReport([REPORT], "finished"));
    expect(markdown).toContain("No rate was found that passes p95&lt;20ms and drops&lt;=99%");
    const [rates] = tables(markdown);
    expect(rates?.[2]?.[0]?.trim()).toBe("10");
    expect(rates?.[2]?.at(-1)?.trim()).toBe("fail");
  });
});
