import Table from "cli-table3";
import type { BenchReport, RatesReport } from "../bench/report-schema.js";
import { headline } from "./bench-table.js";
import { percent } from "./percent.js";

const BAR = 10;

/** Several rates as a table and a curve for a terminal, at most 80 columns, without colour. */
export function ratesTable(report: RatesReport): string {
  const { runs } = report;
  const [first] = runs;
  if (first === undefined) return "";
  return [headline(first).split("\n").slice(0, 2).join("\n"), curve(runs), ...foundRate(report)].join("\n");
}

function curve(runs: readonly BenchReport[]): string {
  const head = ["fps", "achieved", "p50 ms", "p95 ms", "", "p99 ms", "drops", "gates"];
  const table = new Table({
    head,
    colAligns: head.map((name) => (name === "" || name === "gates" ? "left" : "right")),
    style: { head: [], border: [], compact: true },
  });
  const highest = Math.max(...runs.map(({ latency_ms: { total } }) => total.p95));
  for (const { fps, settings, latency_ms: latency, drop_rate: drops, gates, verdict } of runs) {
    const { count, p50, p95, p99 } = latency.total;
    const ms = (value: number) => (count === 0 ? "–" : value.toFixed(1));
    const bar = highest === 0 ? "" : "█".repeat(Math.round((p95 / highest) * BAR));
    const said = gates.length === 0 ? "" : verdict;
    table.push([
      settings.fps ?? "",
      fps.achieved.toFixed(1),
      ms(p50),
      ms(p95),
      bar,
      ms(p99),
      percent(drops),
      said,
    ]);
  }
  return table.toString();
}

/** What a search has found, and what stands in the way of more; nothing where the rates were given. */
export function foundRate({ max_fps: max, failed_fps: failed, runs }: RatesReport): string[] {
  if (max === undefined) return [];
  const above = runs.find(({ settings }) => settings.fps === failed);
  const gates = above?.gates ?? runs[0]?.gates ?? [];
  const texts = gates.map(({ gate }) => gate).join(" and ");
  const lines = [
    max === null
      ? `no rate was found that passes ${texts}`
      : `${max} fps is the highest that passes ${texts}`,
  ];
  const why = above?.gates
    .filter(({ verdict }) => verdict !== "pass")
    .map(({ gate, verdict }) => `${gate}: ${verdict}`);
  if (why !== undefined && why.length > 0) lines.push(`at ${failed} fps ${why.join(", ")}`);
  const { latest_wins: worker = 0, source_late: source = 0 } = above?.frames.dropped ?? {};
  if (source > worker)
    lines.push("the source does not come up with more than that: its frames came too late");
  return lines;
}
