import { needsTruth } from "../bench/gates.js";
import type { BenchReport, JudgedGate } from "../bench/report-schema.js";
import { MIN_RESULTS } from "../bench/stability.js";
import { AiwError } from "../core/errors.js";
import type { Gate } from "../core/gate.js";
import { isShape, isShapeOnly } from "../core/shapes.js";
import { gateProblem } from "../reports/gate-words.js";
import { streamName } from "../source/stream-name.js";
import { isSynthetic } from "../source/synthetic-uri.js";
import type { SourceName } from "../config/source-names.js";

const LONGER = "measure for longer, with --duration or --max-duration";

/**
 * Refuses the gates that this bench could never judge, before anything is started.
 * @throws USAGE
 */
export function checkGates(gates: readonly Gate[], source: SourceName, model: string | undefined): void {
  if (model !== undefined && isShape(model)) refuseDetecting(gates, model);
  const gate = gates.find(needsTruth);
  if (gate === undefined) return;
  if (source.kind === "source" && isSynthetic(source.uri)) return;
  throw new AiwError(
    "USAGE",
    `--gate "${gate.text}": ${gate.name} is known only of a synthetic: source, not of --${source.kind} ${streamName(source.uri)}`,
  );
}

/**
 * The same for a file that turns out to be a shape once the worker has loaded it.
 * @param notes the worker's warnings
 * @throws USAGE
 */
export function checkGatesOf(
  gates: readonly Gate[],
  model: string | undefined,
  notes: readonly string[],
): void {
  if (model !== undefined && isShapeOnly(notes)) refuseDetecting(gates, model);
}

function refuseDetecting(gates: readonly Gate[], shape: string): void {
  const needing = gates.find((gate) => needsTruth(gate) || gate.name === "detections");
  if (needing === undefined) return;
  throw new AiwError(
    "USAGE",
    `--gate "${needing.text}": ${shape} has random weights and detects nothing, which says nothing of ${needing.name}`,
  );
}

/** @throws GATE_FAILED; GATE_INSUFFICIENT when none failed and one could not be judged */
export function throwIfGatesFailed(gates: readonly JudgedGate[]): void {
  const problems = (wanted: JudgedGate["verdict"]) =>
    gates.filter(({ verdict }) => verdict === wanted).map(gateProblem);
  const failed = problems("fail");
  if (failed.length > 0) throw new AiwError("GATE_FAILED", failed.join("; "));
  const unjudged = problems("insufficient");
  if (unjudged.length === 0) return;
  // What has no samples at all gets none by waiting.
  const helps = gates.some(({ verdict, samples }) => verdict === "insufficient" && samples > 0);
  throw new AiwError("GATE_INSUFFICIENT", [...unjudged, ...(helps ? [LONGER] : [])].join("; "));
}

/**
 * @param where it was, if there are several
 * @throws GATE_INSUFFICIENT for a run that was not stable, or too short for that to be known
 */
export function throwIfUnstable(report: BenchReport, where = ""): void {
  if (report.stability.verdict === "stable") return;
  throw new AiwError("GATE_INSUFFICIENT", `--require-stable${where}: ${unsettled(report)}`);
}

/** Why a run cannot be called stable. */
export function unsettled(report: BenchReport): string {
  const { verdict, windows } = report.stability;
  if (verdict === "unstable") return `${unstable(report)}; look what else the machine does`;
  const few = Math.min(...windows.map(({ results }) => results));
  return `of the ${MIN_RESULTS} results needed in each third of the run there are ${few}; ${LONGER}`;
}

/** What was not stable. */
export function unstable({ stability: { windows } }: BenchReport): string {
  const of = (figure: (window: (typeof windows)[number]) => number) =>
    windows.map((window) => figure(window).toFixed(1)).join(", ");
  const [p95, fps] = [of((window) => window.p95), of((window) => window.fps)];
  return `the run was not stable, p95 of its thirds was ${p95} ms, their rate ${fps} fps`;
}
