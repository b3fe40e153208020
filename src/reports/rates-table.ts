import Table from "cli-table3";
import type { BenchReport, RatesReport } from "../bench/report-schema.js";
import { headline, warningLines } from "./bench-table.js";
import { fit, wrapped } from "./columns.js";
import { gateProblem } from "./gate-words.js";
import { percent } from "./percent.js";

const BAR = 8;

/** Several rates as a table and a curve for a terminal, at most 80 columns, without colour. */
export function ratesTable(report: RatesReport): string {
  const { runs } = report;
  const [first] = runs;
  if (first === undefined) return "";
  const subject = headline(first).split("\n").slice(0, 2);
  const said = [...foundRate(report), ...runs.flatMap(earlyEnd)];
  return [
    ...subject.map((line) => fit(line)),
    ...warningLines(first),
    curve(runs),
    ...said.flatMap((line) => wrapped(`${" ".repeat(12)}${line}`).map((part) => part.slice(12))),
  ].join("\n");
}

function curve(runs: readonly BenchReport[]): string {
  const head = ["fps", "achieved", "p50 ms", "p95 ms", "", "p99 ms", "drops", "gates"];
  const table = new Table({
    head,
    colAligns: head.map((name) => (name === "" || name === "gates" ? "left" : "right")),
    style: { head: [], border: [], compact: true },
  });
  const highest = Math.max(...runs.map(({ latency_ms: { total } }) => total.p95));
  for (const run of runs) {
    const { fps, settings, latency_ms: latency, drop_rate: drops } = run;
    const { count, p50, p95, p99 } = latency.total;
    const ms = (value: number) => (count === 0 ? "–" : value.toFixed(value < 1000 ? 1 : 0));
    const bar = highest === 0 ? "" : "█".repeat(Math.round((p95 / highest) * BAR));
    table.push([
      settings.fps ?? "",
      fps.achieved.toFixed(1),
      ms(p50),
      ms(p95),
      bar,
      ms(p99),
      percent(drops),
      shortVerdict(run),
    ]);
  }
  return table.toString();
}

function shortVerdict({ gates, verdict, ended_early: early }: BenchReport): string {
  if (early !== undefined) return "cut off";
  if (gates.length === 0) return "";
  return verdict === "insufficient" ? "too few" : verdict;
}

/** What a search has found, and what stands in the way of more; nothing where the rates were given. */
export function foundRate({ max_fps: max, failed_fps: failed, unfinished, runs }: RatesReport): string[] {
  if (max === undefined) return [];
  const above = runs.find(({ settings }) => settings.fps === failed);
  const gates = above?.gates ?? runs[0]?.gates ?? [];
  const texts = gates.map(({ gate }) => gate).join(" and ");
  const soFar = unfinished ? " so far; the search was not finished" : "";
  const lines = [
    max === null
      ? `No rate was found that passes ${texts}${soFar}.`
      : `${max} fps is the highest that passes ${texts}${soFar}.`,
  ];
  const why = above?.gates.filter(({ verdict }) => verdict !== "pass").map(gateProblem);
  if (why !== undefined && why.length > 0) lines.push(`At ${failed} fps ${why.join(", ")}.`);
  const { latest_wins: worker = 0, source_late: source = 0 } = above?.frames.dropped ?? {};
  if (source > worker)
    lines.push("The source does not come up with more than that: its frames came too late.");
  return lines;
}

/** What is to be said of a run that is not whole. */
export function earlyEnd({ ended_early: early, settings }: BenchReport): string[] {
  return early === undefined ? [] : [`At ${settings.fps} fps it ended early: ${early}.`];
}
