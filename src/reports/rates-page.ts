import type { RatesReport } from "../bench/report-schema.js";
import { headline } from "./bench-table.js";
import { gateWords } from "./gate-words.js";
import { environmentFacts, settingsFacts } from "./page/bench-tables.js";
import { page } from "./page/document.js";
import { markup, type Markup, type Part } from "./page/markup.js";
import { rateOf, ratesCharts } from "./page/rates-charts.js";
import { type Column, section, table } from "./page/table.js";
import { subject, verdictMark, warningNotes } from "./page/verdict.js";
import { fixed, NONE } from "./page/words.js";
import { percent } from "./percent.js";
import { earlyEnd, foundRate } from "./rates-table.js";

/** Benches at several rates as one page of HTML that needs nothing else: the curve, and each rate in figures. */
export function ratesPage(report: RatesReport): string {
  const { runs, max_fps: max, time } = report;
  const [first] = runs;
  if (first === undefined)
    return page("aiw bench: no rates", markup`<h1>aiw bench: nothing was measured</h1>\n`);
  const { model } = first.environment;
  const isSearch = max !== undefined;
  const said = typeof max === "number" ? `at most ${max} fps` : `${runs.length} rates`;
  const findings = [...foundRate(report), ...runs.flatMap(earlyEnd)].map(
    (line) => markup`<p class="why">${line}</p>\n`,
  );
  return page(
    `${said}: aiw bench ${model}`,
    markup`<header>
<h1>aiw bench: ${said}</h1>
${findings}${subject(headline(first).split("\n").slice(0, 2), time)}${warningNotes(first)}</header>
`,
    section("Against the rate", ratesCharts(report)),
    section(isSearch ? "Rates that were tried" : "Rates", ratesTable(report)),
    section("Environment", environmentFacts(first)),
    section("Settings", markup`<p class="note">Those of the lowest rate.</p>\n`, settingsFacts(first)),
  );
}

/** The figures of each rate, with a column for each gate. */
function ratesTable({ runs }: RatesReport): Markup {
  const gates = runs[0]?.gates ?? [];
  const columns: Column[] = [
    ["fps", "figure"],
    ["verdict", "text"],
    ["achieved", "figure"],
    ["p50, ms", "figure"],
    ["p95, ms", "figure"],
    ["p99, ms", "figure"],
    ["dropped", "figure"],
    ["errors", "figure"],
    ...gates.map(({ gate }): Column => [gate, "figure"]),
  ];
  const rows = runs.map((run): Part[] => {
    const { latency_ms: latency, fps, frames, verdict } = run;
    const { count, p50, p95, p99 } = latency.total;
    return [
      String(rateOf(run)),
      gates.length === 0 ? NONE : verdictMark(verdict),
      fixed(fps.achieved, 2),
      ...[p50, p95, p99].map((value) => (count === 0 ? NONE : fixed(value, 1))),
      percent(run.drop_rate),
      frames.errors,
      ...run.gates.map((gate) => markup`<span class="${gate.verdict}">${gateWords(gate).value}</span>`),
    ];
  });
  return table("Rates", columns, rows);
}
