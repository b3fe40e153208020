import type { BenchReport, JudgedGate, TruthReport } from "../../bench/report-schema.js";
import { LATENCIES, SUMMARY_FIGURES } from "../../results/latency.js";
import { STAGES } from "../../results/stages.js";
import { gateWords, verdictWords } from "../gate-words.js";
import { percent } from "../percent.js";
import { swatch } from "./chart.js";
import { coloured } from "./colours.js";
import { markup, type Markup, NOTHING, type Part } from "./markup.js";
import { type Column, facts, table } from "./table.js";
import { verdictMark } from "./verdict.js";
import { fixed, NONE, spoken } from "./words.js";

export function gatesTable(gates: readonly JudgedGate[]): Markup {
  const columns: Column[] = [
    ["gate", "text"],
    ["value", "figure"],
    ["limit", "figure"],
    ["verdict", "text"],
    ["samples", "figure"],
    ["needed", "figure"],
  ];
  const rows = gates.map((gate) => {
    const { value, limit } = gateWords(gate);
    const because = verdictWords(gate).slice(gate.verdict.length);
    const { samples, needed } = gate;
    return [gate.gate, value, limit, markup`${verdictMark(gate.verdict)}${because}`, samples, needed];
  });
  return table("Gates", columns, rows);
}

/** A bar of the stages' means, where the worker reports them, over all latencies in figures. */
export function latencyTable({ latency_ms: latency }: BenchReport): Markup {
  const columns: Column[] = [
    ["ms", "text"],
    ...SUMMARY_FIGURES.map((name): Column => [name, "figure"]),
    ["results", "figure"],
  ];
  const rows = LATENCIES.map((name) => {
    const of = latency[name];
    const label: Part =
      name === "total" ? name : markup`<span class="stage">${swatch(name, "area")} ${name}</span>`;
    return [label, ...SUMMARY_FIGURES.map((p) => (of.count === 0 ? NONE : fixed(of[p], 2))), of.count];
  });
  const isReported = latency.inference.count > 0;
  return markup`${isReported ? meansBar(latency) : NOTHING}${table("Latencies", columns, rows)}`;
}

function meansBar(latency: BenchReport["latency_ms"]): Markup {
  const means = STAGES.map((stage) => ({ stage, mean: Math.max(0, latency[stage].mean) }));
  const sum = means.reduce((total, { mean }) => total + mean, 0);
  if (sum === 0) return NOTHING;
  let left = 0;
  const bars = means.map(({ stage, mean }) => {
    const from = left;
    left += mean;
    const share = percent(mean / sum);
    const bar = markup`<rect class="part" x="${(from / sum) * 100}%" width="${(mean / sum) * 100}%" height="100%" fill="currentColor"><title>${stage} ${fixed(mean, 2)} ms, ${share}</title></rect>`;
    return markup`<g ${coloured(stage)}>${bar}</g>\n`;
  });
  const words = means.map(({ stage, mean }) => `${stage} ${percent(mean / sum)}`).join(", ");
  return markup`<p class="unit">mean of a frame, ${fixed(sum, 1)} ms</p>
<svg class="bar" role="img" aria-label="Share of the stages in the mean: ${words}" width="100%" height="26">
${bars}</svg>
`;
}

/** Every offered frame in exactly one place. */
export function ledgerTable({ frames }: BenchReport): Markup {
  const { offered, sent, results, errors, in_flight: inFlight } = frames;
  const share = (n: number) => (offered === 0 ? NONE : percent(n / offered));
  const dropped = Object.entries(frames.dropped).map(
    ([reason, n]) => [`dropped: ${spoken(reason)}`, n] as const,
  );
  const places = [["results", results], ["errors", errors], ["in flight", inFlight], ...dropped] as const;
  return table(
    "Frames",
    [
      ["frames", "text"],
      ["count", "figure"],
      ["share", "figure"],
    ],
    [
      ["offered", offered, share(offered)],
      ...places.map(([name, n]) => [markup`<span class="of">${name}</span>`, n, share(n)]),
      ["sent to the worker", sent, share(sent)],
    ],
  );
}

export function detectionsTable({ detections, frames }: BenchReport): Markup {
  const each = (n: number) => (frames.results === 0 ? NONE : fixed(n / frames.results, 2));
  const classes = Object.entries(detections.by_class).toSorted(([, a], [, b]) => b - a);
  return table(
    "Detections",
    [
      ["class", "text"],
      ["detections", "figure"],
      ["a frame", "figure"],
    ],
    [["all", detections.total] as const, ...classes].map(([name, n]) => [name, n, each(n)]),
  );
}

export function truthTable({ by_class: byClass, frames, ...all }: TruthReport): Markup {
  const figures = ["precision", "recall", "mean IoU", "objects", "found", "false pos.", "ignored"];
  const rows = [["all", all] as const, ...Object.entries(byClass)].map(([name, of]) => [
    name,
    percent(of.precision),
    percent(of.recall),
    fixed(of.mean_iou, 3),
    of.objects,
    of.found,
    of.false_positives,
    of.ignored,
  ]);
  return markup`<p class="note">Detections against what was really in the ${frames} frames with a result.</p>
${table("Truth", [["class", "text"], ...figures.map((name): Column => [name, "figure"])], rows)}`;
}

export function resourcesTable({ resources }: BenchReport): Markup {
  const { client_rss_mb: client, worker_rss_mb: worker } = resources;
  return table(
    "Resources",
    [
      ["", "text"],
      ["memory, MB", "figure"],
      ["CPU a frame, ms", "figure"],
    ],
    [
      ["client", fixed(client, 1), fixed(resources.client_cpu_ms_per_frame, 2)],
      ["worker", fixed(worker, 1), fixed(resources.worker_cpu_ms_per_frame, 2)],
      ["source", NONE, fixed(resources.source_cpu_ms_per_frame, 2)],
    ],
  );
}

export function stabilityTable({ stability: { verdict, windows } }: BenchReport): Markup {
  const columns: Column[] = [
    ["part of the run", "text"],
    ["p95, ms", "figure"],
    ["results a second", "figure"],
    ["results", "figure"],
  ];
  const rows = windows.map(({ p95, fps, results }, i) => [
    `${i + 1} of ${windows.length}`,
    results === 0 ? NONE : fixed(p95, 2),
    fixed(fps, 2),
    results,
  ]);
  return markup`<p>${verdict}</p>\n${table("Stability", columns, rows)}`;
}

export function environmentFacts({ environment: { warnings: _, ...environment } }: BenchReport): Markup {
  return facts("Environment", entriesOf(environment));
}

/** What was asked for, and how the warm-up before it went. */
export function settingsFacts({ settings, warmup }: BenchReport): Markup {
  const warmed = `${fixed(warmup.duration_s, 2)} s, ${warmup.results} results, ${warmup.settled ? "settled" : "not settled"}`;
  return facts("Settings", [...entriesOf(settings), ["warm-up", warmed]]);
}

function entriesOf(part: Readonly<Record<string, unknown>>): [string, string][] {
  return Object.entries(part).map(([name, value]) => {
    const text = Array.isArray(value) ? value.join(", ") : String(value ?? NONE);
    return [withUnit(name), text === "" ? NONE : text];
  });
}

/** "duration_s" as it is said: "duration, s". */
function withUnit(name: string): string {
  return spoken(name.replace(/_(s|mb)$/, (_, unit: string) => `, ${unit === "mb" ? "MB" : unit}`));
}
