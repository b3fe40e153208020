import type { WorkerInfo } from "../client/worker-client.js";
import { droppedTotal } from "../pipeline/ledger.js";
import type { AccuracyFigures, AccuracySummary } from "../results/accuracy.js";
import type { LatencySummary } from "../results/latency.js";
import type { Stage } from "../results/stages.js";
import type { JudgedGate } from "./gates.js";
import type { Measurement } from "./measure.js";
import type { Resources } from "./resources.js";
import type { Stability } from "./stability.js";
import type { WarmUp } from "./warm-up.js";

export const BENCH_SCHEMA = "aiw.bench/1";

/** What a bench ran on. */
export interface Environment {
  readonly aiw: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memory_mb: number;
  readonly os: string;
  readonly node: string;
  readonly worker: string;
  readonly runtime: string;
  readonly model: string;
  readonly model_id: string;
  readonly family: string;
  readonly input_shape: readonly number[];
  readonly engine: string;
  readonly provider: string;
  readonly threads: number | null;
}

/** What a bench was asked to do. */
export interface BenchSettings {
  readonly source: string;
  readonly fps: number | null;
  readonly duration_s: number;
  /** Where the run may go on for its gates. */
  readonly max_duration_s?: number;
  readonly warmup_s: number;
  readonly size: string;
  readonly pixel_format: string;
  readonly conf: number;
  readonly iou: number;
  readonly classes: readonly string[];
  readonly worker: string | null;
}

/** Detections against what was really in the frames; a ratio of nothing to nothing is null. */
export interface TruthFigures {
  readonly precision: number | null;
  readonly recall: number | null;
  readonly mean_iou: number | null;
  /** Objects to find; those mostly hidden or tiny are `ignored` and count neither way. */
  readonly objects: number;
  readonly found: number;
  readonly false_positives: number;
  readonly ignored: number;
}

export interface TruthReport extends TruthFigures {
  /** Frames that were judged: those with a result. */
  readonly frames: number;
  readonly by_class: Readonly<Record<string, TruthFigures>>;
}

/** The report of a bench, `aiw.bench/1`: milliseconds, megabytes of 10^6 bytes, fractions. */
export interface BenchReport {
  readonly schema: typeof BENCH_SCHEMA;
  readonly time: string;
  readonly environment: Environment;
  readonly settings: BenchSettings;
  readonly warmup: { readonly duration_s: number; readonly results: number; readonly settled: boolean };
  readonly duration_s: number;
  readonly frames: {
    readonly offered: number;
    readonly sent: number;
    readonly results: number;
    readonly errors: number;
    readonly in_flight: number;
    readonly dropped: Readonly<Record<string, number>>;
  };
  readonly drop_rate: number;
  readonly fps: { readonly offered: number; readonly achieved: number };
  readonly latency_ms: Readonly<Record<"total" | Stage, LatencySummary>>;
  readonly detections: { readonly total: number; readonly by_class: Readonly<Record<string, number>> };
  /** Absent where the source does not know the truth. */
  readonly truth?: TruthReport;
  readonly resources: Resources;
  readonly stable: boolean;
  readonly stability: Stability;
  readonly gates: readonly JudgedGate[];
  /** "fail" also when nothing came back or the run failed; "insufficient" when a gate was not judged. */
  readonly verdict: "pass" | "fail" | "insufficient";
  /** Why the run ended early; absent when it ran to its end. */
  readonly ended_early?: string;
}

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
  };
}

export function benchReport(
  head: Pick<BenchReport, "time" | "environment" | "settings">,
  warmUp: WarmUp,
  measured: Measurement,
  endedEarly: { readonly why: string; readonly failed: boolean } | undefined,
  requireStable = false,
): BenchReport {
  const { counts, tally, stability, resources, gates } = measured;
  const accuracy = tally.accuracy.summary();
  const durationS = measured.durationUs / 1e6;
  const unsettled = requireStable && stability.verdict !== "stable";
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
