import type { BenchReport, JudgedGate, RatesReport, TruthReport } from "../bench/report-schema.js";
import { LATENCIES, SUMMARY_FIGURES } from "../results/latency.js";
import { headline } from "./bench-table.js";
import { gateWords, verdictWords } from "./gate-words.js";
import { escapeMarkdown, markdownTable } from "./markdown.js";
import { percent } from "./percent.js";
import { earlyEnd, foundRate } from "./rates-table.js";

/** A bench report as GitHub-flavoured Markdown, fit for the summary of a CI job. */
export function benchMarkdown(report: BenchReport): string {
  const { truth, gates, detections } = report;
  const classes = Object.entries(detections.by_class);
  return sections([
    `### aiw bench: ${report.verdict}`,
    headline(report).split("\n").map(escapeMarkdown).join("<br>\n"),
    ...warnings(report),
    ...(report.ended_early === undefined ? [] : [`**Ended early:** ${escapeMarkdown(report.ended_early)}`]),
    ...(gates.length === 0 ? [] : [gateTable(gates)]),
    frames(report),
    latencyTable(report),
    ...(truth === undefined ? [] : [truthTable(truth)]),
    folded(
      `Detections: ${detections.total}`,
      classes.length === 0
        ? "None."
        : markdownTable(
            [
              ["class", "left"],
              ["detections", "right"],
            ],
            classes.map(([name, n]) => [escapeMarkdown(name), String(n)]),
          ),
    ),
    folded("Resources, environment and settings", details(report)),
  ]);
}

/** Several rates as Markdown. */
export function ratesMarkdown(report: RatesReport): string {
  const { runs } = report;
  const [first] = runs;
  const rows = runs.map(({ settings, fps, latency_ms: { total }, drop_rate: drops, gates, verdict }) => [
    String(settings.fps ?? ""),
    fps.achieved.toFixed(1),
    ...[total.p50, total.p95, total.p99].map((ms) => (total.count === 0 ? "–" : ms.toFixed(1))),
    percent(drops),
    gates.length === 0 ? "" : verdict,
  ]);
  const head = ["fps", "achieved", "p50 ms", "p95 ms", "p99 ms", "drops"].map(
    (name) => [name, "right"] as const,
  );
  return sections([
    `### aiw bench: ${runs.length} rates`,
    ...(first === undefined
      ? []
      : [headline(first).split("\n").slice(0, 2).map(escapeMarkdown).join("<br>\n"), ...warnings(first)]),
    ...[...foundRate(report), ...runs.flatMap(earlyEnd)].map(escapeMarkdown),
    markdownTable([...head, ["gates", "left"]], rows),
    ...(first === undefined ? [] : [folded("Environment and settings", details(first))]),
  ]);
}

/** What the worker says of the model and how it runs. */
function warnings({ environment }: BenchReport): string[] {
  return environment.warnings.map((warning) => `**Warning:** ${escapeMarkdown(warning)}`);
}

function gateTable(gates: readonly JudgedGate[]): string {
  const rows = gates.map((gate) => {
    const { value, limit } = gateWords(gate);
    const said = verdictWords(gate);
    const verdict = gate.verdict === "pass" ? said : `**${said}**`;
    return [escapeMarkdown(gate.gate), value, limit, String(gate.samples), verdict];
  });
  return markdownTable(
    [
      ["gate", "left"],
      ["value", "right"],
      ["limit", "right"],
      ["samples", "right"],
      ["verdict", "left"],
    ],
    rows,
  );
}

function frames({ frames: ledger, drop_rate: dropRate, fps, stability, stable }: BenchReport): string {
  const reasons = Object.entries(ledger.dropped).map(([reason, n]) => `${escapeMarkdown(reason)} ${n}`);
  const why = reasons.length === 0 ? "" : ` (${reasons.join(", ")})`;
  const settled = stable
    ? ""
    : `, ${stability.verdict === "unstable" ? "**unstable**" : "stability not judged"}`;
  return [
    `${ledger.offered} frames offered at ${fps.offered.toFixed(2)} fps: ${ledger.results} results`,
    ` (${fps.achieved.toFixed(2)} fps), ${ledger.errors} errors, ${percent(dropRate)} dropped${why}${settled}.`,
  ].join("");
}

function latencyTable({ latency_ms: latency }: BenchReport): string {
  const rows = LATENCIES.map((name) => {
    const summary = latency[name];
    return [name, ...SUMMARY_FIGURES.map((p) => (summary.count === 0 ? "–" : summary[p].toFixed(2)))];
  });
  return markdownTable(
    [["latency, ms", "left"], ...SUMMARY_FIGURES.map((name) => [name, "right"] as const)],
    rows,
  );
}

function truthTable({ by_class: byClass, ...total }: TruthReport): string {
  const rows = [["all", total] as const, ...Object.entries(byClass)].map(([name, of]) => [
    escapeMarkdown(name),
    percent(of.precision),
    percent(of.recall),
    of.mean_iou === null ? "–" : of.mean_iou.toFixed(3),
    String(of.objects),
    String(of.false_positives),
  ]);
  const figures = ["precision", "recall", "mean IoU", "objects", "false positives"];
  return markdownTable([["truth", "left"], ...figures.map((name) => [name, "right"] as const)], rows);
}

function details({ environment: { warnings: _, ...environment }, settings, resources }: BenchReport): string {
  // Both the environment and the settings have a worker.
  const entries = [resources, environment, settings].flatMap((part) => Object.entries<unknown>(part));
  const rows = entries.map(([name, value]) => [
    escapeMarkdown(name),
    value === null ? "–" : escapeMarkdown(Array.isArray(value) ? value.join(", ") : String(value)),
  ]);
  return markdownTable(
    [
      ["", "left"],
      ["", "left"],
    ],
    rows,
  );
}

/** Markdown in a fold is read as such only after an empty line. */
function folded(title: string, body: string): string {
  return `<details><summary>${title}</summary>\n\n${body}\n\n</details>`;
}

function sections(parts: readonly string[]): string {
  return `${parts.join("\n\n")}\n`;
}
