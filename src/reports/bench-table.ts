import Table from "cli-table3";
import type { BenchReport, JudgedGate, TruthFigures, TruthReport } from "../bench/report-schema.js";
import { printable } from "../core/printable.js";
import { droppedTotal } from "../pipeline/ledger.js";
import { LATENCIES, SUMMARY_FIGURES } from "../results/latency.js";
import { COLUMNS, fit, listWithin, wrapped } from "./columns.js";
import { gateWords } from "./gate-words.js";
import { percent } from "./percent.js";
import { STAGE_MARKS, stageBar } from "./stage-bar.js";

const BAR_COLUMNS = 56;
const CLASS_COLUMNS = 13;
/** Classes that the table of truth names. */
const NAMED_CLASSES = 8;

/** A bench report as tables for a terminal, without colour. */
export function benchTable(report: BenchReport): string {
  const { truth, gates } = report;
  return [
    ...headline(report)
      .split("\n")
      .map((line) => fit(line)),
    ...warningLines(report),
    ledgerTable(report),
    latencyTable(report),
    ...(truth === undefined ? [] : [truthTable(truth)]),
    ...remarks(report),
    ...(gates.length === 0 ? [] : [gateTable(gates)]),
  ].join("\n");
}

/** What was measured, on what, and for how long: three lines. */
export function headline({ environment, settings, duration_s, warmup }: BenchReport): string {
  const { model, input_shape: shape, runtime, provider, threads, cpu, cores } = environment;
  const rate = settings.fps === null ? "at its own rate" : `at ${settings.fps} fps`;
  const input = shape.length === 4 ? ` ${shape[3]}x${shape[2]}` : "";
  return [
    `${model}${input} · ${runtime} ${provider}${threads === null ? "" : ` · ${threads} threads`}`,
    `${cpu} · ${cores} cores`,
    `${settings.source} ${rate} for ${duration_s.toFixed(1)} s, after ${warmup.duration_s.toFixed(1)} s of warm-up`,
  ].join("\n");
}

/** What the worker says of the model and how it runs, as it stands above the figures. */
export function warningLines({ environment: { warnings } }: BenchReport): string[] {
  return warnings.flatMap((warning) => wrapped(`warning     ${printable(warning)}`).map((line) => fit(line)));
}

function ledgerTable({ frames, drop_rate, fps }: BenchReport): string {
  const reasons = Object.entries(frames.dropped).map(([reason, n]) => `${reason} ${n}`);
  const table = new Table({
    head: ["offered", "results", "errors", "in flight", "dropped", "drop rate"],
    colAligns: Array(6).fill("right"),
    style: { head: [], border: [], compact: true },
  });
  table.push([
    frames.offered,
    frames.results,
    frames.errors,
    frames.in_flight,
    droppedTotal(frames),
    `${(drop_rate * 100).toFixed(1)} %`,
  ]);
  const why = reasons.length === 0 ? [] : wrapped(`dropped     ${reasons.join(", ")}`);
  const rates = `fps         offered ${fps.offered.toFixed(2)}, achieved ${fps.achieved.toFixed(2)}`;
  return [table.toString(), rates, ...why].join("\n");
}

function latencyTable({ latency_ms: latency }: BenchReport): string {
  const table = new Table({
    head: ["latency, ms", ...SUMMARY_FIGURES],
    colAligns: ["left", ...SUMMARY_FIGURES.map(() => "right" as const)],
    style: { head: [], border: [], compact: true },
  });
  for (const name of LATENCIES) {
    const summary = latency[name];
    const label = name === "total" ? name : `${STAGE_MARKS[name]} ${name}`;
    const cells = SUMMARY_FIGURES.map((p) => (summary.count === 0 ? "–" : milliseconds(summary[p])));
    table.push([label, ...cells]);
  }
  const bar = stageBar(latency, BAR_COLUMNS);
  return [table.toString(), ...(bar === "" ? [] : [`stages      ${bar}`])].join("\n");
}

/** Two decimals, fewer of what has many digits before them. */
function milliseconds(ms: number): string {
  return ms.toFixed(ms < 1000 ? 2 : ms < 100_000 ? 1 : 0);
}

function truthTable({ by_class, ...total }: TruthReport): string {
  const figures = ["precision", "recall", "mean IoU", "objects", "false +", "ignored"];
  const table = new Table({
    head: ["truth", ...figures],
    colAligns: ["left", ...figures.map(() => "right" as const)],
    style: { head: [], border: [], compact: true },
  });
  const classes = Object.entries(by_class);
  const push = (label: string, of: TruthFigures) =>
    table.push([
      label,
      percent(of.precision),
      percent(of.recall),
      of.mean_iou === null ? "–" : of.mean_iou.toFixed(3),
      ...[of.objects, of.false_positives, of.ignored],
    ]);
  push("all", total);
  for (const [name, of] of classes.slice(0, NAMED_CLASSES)) push(fit(`  ${name}`, CLASS_COLUMNS), of);
  if (classes.length > NAMED_CLASSES) table.push(["  …", ...figures.map(() => "")]);
  return table.toString();
}

function gateTable(gates: readonly JudgedGate[]): string {
  const head = ["gate", "value", "limit", "samples", "verdict"] as const;
  const rows = gates.map((gate) => {
    const { value, limit } = gateWords(gate);
    return [gate.gate, value, limit, String(gate.samples), shortVerdict(gate)] as const;
  });
  const widthOf = (column: number) => Math.max(...[head, ...rows].map((row) => (row[column] ?? "").length));
  // Each column has a blank to both sides and a line behind it; the table begins with one more.
  const left = COLUMNS - 1 - head.slice(1).reduce((sum, _, i) => sum + widthOf(i + 1) + 3, 3);
  const table = new Table({
    head: [...head],
    colAligns: ["left", "right", "right", "right", "left"],
    style: { head: [], border: [], compact: true },
  });
  for (const [gate, ...rest] of rows) table.push([fit(gate, left), ...rest]);
  return table.toString();
}

function shortVerdict({ verdict, samples, needed }: JudgedGate): string {
  if (verdict !== "insufficient") return verdict;
  return samples === 0 ? "no samples" : `needs ${needed}`;
}

function remarks({ detections, resources, stability, frames, ended_early: early }: BenchReport): string[] {
  const classes = Object.entries(detections.by_class).map(([name, n]) => `${name} ${n}`);
  const perFrame = frames.results === 0 ? 0 : detections.total / frames.results;
  const shown = (value: number | null, unit: string) =>
    value === null ? "–" : `${value.toFixed(1)} ${unit}`;
  const found = `detections  ${detections.total} (${perFrame.toFixed(2)} a frame)`;
  return [
    classes.length === 0 ? found : `${found}: ${listWithin(classes, COLUMNS - found.length - 2)}`,
    `memory      client ${shown(resources.client_rss_mb, "MB")}, worker ${shown(resources.worker_rss_mb, "MB")}`,
    `CPU a frame client ${shown(resources.client_cpu_ms_per_frame, "ms")}, worker ${shown(resources.worker_cpu_ms_per_frame, "ms")}, source ${shown(resources.source_cpu_ms_per_frame, "ms")}`,
    `stability   ${stability.verdict}`,
    ...(early === undefined ? [] : wrapped(`ended early ${early}`)),
  ];
}
