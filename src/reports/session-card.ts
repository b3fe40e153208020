import { plural } from "../core/plural.js";
import { printable } from "../core/printable.js";
import { LATENCIES, SUMMARY_FIGURES } from "../results/latency.js";
import type { StoredSession } from "../sinks/sessions/stored-session.js";
import { wrapped } from "./columns.js";
import { byteSize, timeSpan, utcTime } from "./sizes.js";

/** The latencies that sessions have, in the order of a frame's way; "worker" is the worker's own sum. */
const NAMES = [LATENCIES[0], "worker", ...LATENCIES.slice(1)];
const FIGURE_COLUMNS = 10;

const STATES = {
  closed: "",
  open: "it is being recorded",
  unfinished: "its agent was killed; the next start of aiw agent with this folder closes it",
  damaged: "damaged",
} as const;

/** All that is known of a session, for people. @param bytes of its files; a text where that can't be said */
export function sessionCard(session: StoredSession, bytes: number | string): string {
  const { startMs, endMs, state, reason, problem, folder, camera, record } = session;
  const lines: (readonly [label: string, text: string])[] = [
    ["session", session.id],
    ["camera", camera || "–"],
    ["start", `${utcTime(startMs)} UTC`],
  ];
  if (endMs !== null) lines.push(["end", `${utcTime(endMs)} UTC, after ${timeSpan(endMs - startMs)}`]);
  lines.push(["state", state === "closed" ? `closed: ${reason ?? "–"}` : (problem ?? STATES[state])]);
  if (typeof record.model_id === "string") lines.push(["model", record.model_id]);
  if (problem === null) lines.push(["frames", frames(session)], ["detections", detections(session)]);
  lines.push(["poster", typeof record.poster === "string" ? record.poster : "none"]);
  lines.push(["folder", folder]);
  lines.push(["size", typeof bytes === "number" ? byteSize(bytes) : bytes]);
  return [
    ...lines.flatMap(([label, text]) => wrapped(`${label.padEnd(12)}${printable(text)}`)),
    ...latencies(record.latency_ms),
  ].join("\n");
}

function frames({ results, errors, record }: StoredSession): string {
  const { not_recorded: lost, damaged } = fieldsOf(record.frames);
  const parts = [plural(results, "result"), plural(errors, "error")];
  if (typeof lost === "number" && lost > 0) parts.push(`${lost} not recorded`);
  if (typeof damaged === "number" && damaged > 0) parts.push(plural(damaged, "damaged line"));
  return parts.join(", ");
}

function detections({ byClass }: StoredSession): string {
  const classes = Object.entries(byClass).sort(([, a], [, b]) => b - a);
  const total = classes.reduce((sum, [, n]) => sum + n, 0);
  if (total === 0) return "none";
  return `${total}: ${classes.map(([name, n]) => `${name} ${n}`).join(", ")}`;
}

function latencies(latency: unknown): string[] {
  const rows = NAMES.flatMap((name) => {
    const of = fieldsOf(fieldsOf(latency)[name]);
    if (typeof of.count !== "number" || of.count === 0) return [];

    return [`  ${name.padEnd(14)}${SUMMARY_FIGURES.map((figure) => milliseconds(of[figure])).join("")}`];
  });
  if (rows.length === 0) return [];
  const head = SUMMARY_FIGURES.map((figure) => figure.padStart(FIGURE_COLUMNS)).join("");
  return [`latency, ms     ${head}`, ...rows];
}

function milliseconds(value: unknown): string {
  return (typeof value === "number" ? value.toFixed(2) : "–").padStart(FIGURE_COLUMNS);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
