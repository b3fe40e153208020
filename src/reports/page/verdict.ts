import type { BenchReport } from "../../bench/report-schema.js";
import { plural } from "../../core/plural.js";
import { droppedTotal } from "../../pipeline/ledger.js";
import { headline } from "../bench-table.js";
import { gateProblem } from "../gate-words.js";
import { percent } from "../percent.js";
import { markup, type Markup, NOTHING } from "./markup.js";
import { fixed, NONE } from "./words.js";

type Verdict = BenchReport["verdict"];

// Told apart by word, sign and colour.
const SIGNS: Readonly<Record<Verdict, string>> = { pass: "\u2713", fail: "\u2717", insufficient: "?" };

export function verdictMark(verdict: Verdict): Markup {
  return markup`<span class="${verdict}"><span aria-hidden="true">${SIGNS[verdict]}</span> ${verdict}</span>`;
}

/** The verdict first, then why, then what was measured. */
export function verdictHead(report: BenchReport): Markup {
  const { verdict } = report;
  const reasons = reasonsOf(report);
  const single = reasons.length === 1 ? markup`<p class="why">${reasons[0] ?? ""}</p>\n` : NOTHING;
  const several = markup`<ul class="why">${reasons.map((reason) => markup`<li>${reason}</li>`)}</ul>\n`;
  return markup`<header>
<h1>aiw bench: ${verdictMark(verdict)}</h1>
${reasons.length > 1 ? several : single}${subject(headline(report).split("\n"), report.time)}${warningNotes(report)}</header>
`;
}

/** What was measured, on what, and when. */
export function subject(lines: readonly string[], time: string): Markup {
  const begun = time.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC");
  return markup`<p class="subject">${lines.map((line) => markup`${line}<br/>`)}<time datetime="${time}">${begun}</time></p>
`;
}

/** What the worker says of the model and how it runs. */
export function warningNotes({ environment: { warnings } }: BenchReport): readonly Markup[] {
  return warnings.map((warning) => markup`<p class="note">Warning: ${warning}</p>\n`);
}

function reasonsOf(report: BenchReport): string[] {
  const { gates, ended_early: early, frames, verdict, settings, stability } = report;
  const reasons = gates.filter(({ verdict: of }) => of !== "pass").map(gateProblem);
  if (frames.results === 0) reasons.unshift(noResult(frames.offered));
  if (early !== undefined) reasons.unshift(`It ended early: ${early}`);
  if (settings.require_stable === true && stability.verdict !== "stable")
    reasons.push(`Stability is required, and the run was ${stability.verdict}.`);
  if (reasons.length > 0 || verdict !== "pass") return reasons;
  if (gates.length === 0) return ["No gate was asked for; results came back."];
  return [gates.length === 1 ? "The gate holds." : `All ${gates.length} gates hold.`];
}

function noResult(offered: number): string {
  return offered === 0 ? "No frame was offered." : `None of ${plural(offered, "frame")} gave a result.`;
}

/** The figures that are asked for first. */
export function tiles({ latency_ms: { total }, frames, drop_rate, fps }: BenchReport): Markup {
  const ms = (value: number) => (total.count === 0 ? NONE : fixed(value, 1));
  return markup`<dl class="tiles">
${tile("p50", ms(total.p50), "ms")}
${tile("p95", ms(total.p95), "ms")}
${tile("p99", ms(total.p99), "ms")}
${tile("dropped", percent(drop_rate), "", `${droppedTotal(frames)} of ${frames.offered} frames`)}
${tile("achieved", fixed(fps.achieved, 2), "fps", `of ${fixed(fps.offered, 2)} offered`)}
</dl>
`;
}

function tile(name: string, value: string, unit: string, more?: string): Markup {
  const rest = more === undefined ? NOTHING : markup` <small>${more}</small>`;
  return markup`<div><dt>${name}</dt><dd><b>${value}</b> ${unit}${rest}</dd></div>`;
}
