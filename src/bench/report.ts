import type { WorkerInfo } from "../client/worker-client.js";
import { droppedTotal } from "../pipeline/ledger.js";
import type { AccuracyFigures, AccuracySummary } from "../results/accuracy.js";
import { distributionOf } from "./distribution.js";
import type { Measurement } from "./measure.js";
import {
  BENCH_SCHEMA,
  type BenchReport,
  type Environment,
  type JudgedGate,
  type TruthFigures,
  type TruthReport,
} from "./report-schema.js";
import type { WarmUp } from "./warm-up.js";

export function environmentOf(
  info: WorkerInfo,
  host: Pick<Environment, "aiw" | "cpu" | "cores" | "memory_mb" | "os" | "node">,
  model: string,
): Environment {
  return {
    ...host,
    worker: info.workerVersion,
    runtime: info.runtime,
    model,
    model_id: info.modelId,
    family: info.family,
    input_shape: info.inputShape,
    engine: info.engine || (info.runtime.split(" ")[0] ?? ""),
    provider: info.providers[0] ?? "",
    threads: info.threads || null,
    warnings: info.warnings,
  };
}

export function benchReport(
  head: Pick<BenchReport, "time" | "environment" | "settings">,
  warmUp: WarmUp,
  measured: Measurement,
  endedEarly: { readonly why: string; readonly failed: boolean } | undefined,
): BenchReport {
  const { counts, tally, stability, resources, gates } = measured;
  const accuracy = tally.accuracy.summary();
  // A source that ends at once has no duration, and still a report that is of the schema.
  const durationS = Math.max(1, measured.durationUs) / 1e6;
  const unsettled = head.settings.require_stable === true && stability.verdict !== "stable";
  const detections = tally.detections();
  return {
    schema: BENCH_SCHEMA,
    ...head,
    warmup: { duration_s: round(warmUp.durationUs / 1e6), results: warmUp.results, settled: warmUp.settled },
    duration_s: round(durationS),
    frames: {
      offered: counts.offered,
      sent: counts.sent,
      results: counts.results,
      errors: counts.errors,
      in_flight: counts.inFlight,
      dropped: { ...counts.dropped },
    },
    drop_rate: counts.offered === 0 ? 0 : droppedTotal(counts) / counts.offered,
    fps: { offered: round(counts.offered / durationS), achieved: round(counts.results / durationS) },
    latency_ms: tally.latency.summary(),
    distribution: distributionOf(tally.latency),
    timeline: measured.timeline,
    parts: measured.parts,
    detections: { total: detections.total, by_class: detections.byClass },
    ...(accuracy === undefined ? {} : { truth: truthReport(accuracy) }),
    resources,
    stable: stability.verdict === "stable",
    stability,
    gates,
    verdict: counts.results > 0 && endedEarly?.failed !== true ? verdictOf(gates, unsettled) : "fail",
    ...(endedEarly === undefined ? {} : { ended_early: endedEarly.why }),
  };
}

/** A gate that failed comes before one that could not be judged. */
function verdictOf(gates: readonly JudgedGate[], unsettled: boolean): BenchReport["verdict"] {
  const some = (wanted: JudgedGate["verdict"]) => gates.some(({ verdict }) => verdict === wanted);
  if (some("fail")) return "fail";
  return some("insufficient") || unsettled ? "insufficient" : "pass";
}

function truthReport({ frames, byClass, ...total }: AccuracySummary): TruthReport {
  const classes = Object.entries(byClass).map(([name, of]) => [name, truthFigures(of)] as const);
  return { ...truthFigures(total), frames, by_class: Object.fromEntries(classes) };
}

function truthFigures({ meanIou, falsePositives, ...rest }: AccuracyFigures): TruthFigures {
  const { precision, recall, objects, found, ignored } = rest;
  const mean_iou = meanIou === null ? null : round(meanIou);
  return { precision, recall, mean_iou, objects, found, false_positives: falsePositives, ignored };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
