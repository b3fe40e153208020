import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import { basename } from "node:path";
import { measure } from "../bench/measure.js";
import { benchReport, environmentOf } from "../bench/report.js";
import type { BenchReport, BenchSettings } from "../bench/report-schema.js";
import type { ClientUsage } from "../bench/resources.js";
import { warmUp } from "../bench/warm-up.js";
import type { Settings } from "../config/settings.js";
import { systemClock } from "../core/clock.js";
import { AiwError, toAiwError } from "../core/errors.js";
import { collectGarbage } from "../core/heap.js";
import type { Gate } from "../core/gate.js";
import { isShapeOnly } from "../core/shapes.js";
import { packageVersion } from "../core/version.js";
import type { Feed, Pace } from "../pipeline/feed.js";
import type { FrameSource } from "../source/frame-source.js";
import { BenchOutput } from "./bench-output.js";
import type { CommandContext } from "./command-context.js";
import { drain } from "./drain.js";
import { showLive } from "./live-view.js";
import { openOutputs } from "./outputs.js";
import type { Sending } from "./sending.js";
import { reportedClasses, type WorkerSession, withLastWords } from "./worker-session.js";

/** What is measured: both ends of the pipeline, and the settings of all that is measured on it. */
export interface Bench {
  readonly settings: Settings;
  readonly context: CommandContext;
  readonly session: WorkerSession;
  readonly source: FrameSource;
  readonly feed: Feed;
}

/** How one run goes. */
export interface Plan {
  readonly pace: Pace;
  readonly warmUpUs: number;
  readonly durationUs: number;
  readonly maxDurationUs: number | undefined;
  readonly gates: readonly Gate[];
}

export interface BenchRun {
  readonly report: BenchReport;
  /** Why it ended before its time, where that is an error. */
  readonly failure: AiwError | undefined;
  /** Why there is no result, where there is none. */
  readonly noResult: string | undefined;
}

/**
 * Warms up and measures once.
 * @throws the interruption, and the loss of the worker, that came before anything was measured
 */
export async function runBench(bench: Bench, plan: Plan): Promise<BenchRun> {
  const { settings, session, source, feed } = bench;
  const { progress, interrupt } = bench.context;
  progress.step("warming up");
  const warm = await warmUp(feed, session.sink, systemClock, plan.pace, plan.warmUpUs, interrupt);
  if (interrupt.aborted) throw interrupt.reason;
  if (session.client.lost !== undefined) throw await withLastWords(session.client.lost, session.process());
  // A scene is the same in every bench then, however long its warm-up was: so are its truth and its gates.
  feed.rewind();
  const time = new Date(systemClock.wallMs()).toISOString();
  // Not before there is something to write: what was there would be gone.
  const sink = settings.out === undefined ? undefined : await openOutputs(settings.out, session.info.modelId);
  const live = showLive(progress, plan.durationUs);
  const output = new BenchOutput(sink, interrupt);
  collectGarbage();
  const measured = await measure({
    feed,
    sink: session.sink,
    clock: systemClock,
    pace: plan.pace,
    limits: { durationUs: plan.durationUs, maxFrames: settings.frames },
    maxDurationUs: plan.maxDurationUs,
    gates: plan.gates,
    usage: () => clientUsage(source),
    classes: reportedClasses(settings, session.info),
    hasNothingToFind: isShapeOnly(session.info.warnings),
    onStart: live.start,
    outcomes: output,
    drain: (stream) => drain(stream, interrupt),
    interrupt: output.stopped,
  }).finally(live.stop);
  await output.close();
  const failed = measured.failure ?? output.failure;
  const failure =
    failed === undefined ? undefined : toAiwError(await withLastWords(failed, session.process()));
  const why = failure?.message ?? (interrupt.aborted ? "interrupted" : undefined);
  const head = {
    time,
    environment: environmentOf(session.info, thisMachine(), basename(settings.model ?? "")),
    settings: settingsOf(settings, session.sending, source, plan),
  };
  const early = why === undefined ? undefined : { why, failed: failure !== undefined };
  const report = benchReport(head, warm, measured, early);
  const { offered, results } = measured.counts;
  const noFrame = warm.results > 0 ? "the source ended in the warm-up" : "the source gave no frame";
  const noResult = measured.tally.firstError ?? (offered === 0 ? noFrame : "all were dropped");
  return { report, failure, noResult: results > 0 ? undefined : noResult };
}

/** @throws the run's failure, or the interruption */
export function throwIfEnded({ failure }: BenchRun, interrupt: AbortSignal): void {
  if (failure !== undefined) throw failure;
  if (interrupt.aborted) throw interrupt.reason;
}

/** @throws NO_RESULTS */
export function throwIfNoResult({ report, noResult }: BenchRun): void {
  if (noResult === undefined) return;
  throw new AiwError("NO_RESULTS", `none of ${report.frames.offered} frames gave a result: ${noResult}`);
}

function clientUsage(source: FrameSource): ClientUsage {
  const { user, system } = process.cpuUsage();
  const sourceCpuUs = source.cpuUs?.() ?? null;
  const cpuUs = user + system - (source.usesOurCpu ? (sourceCpuUs ?? 0) : 0);
  return { cpuUs, rssBytes: process.memoryUsage.rss(), sourceCpuUs };
}

function thisMachine() {
  return {
    aiw: packageVersion(),
    cpu: cpus()[0]?.model.trim() || process.arch,
    cores: availableParallelism(),
    memory_mb: Math.round(totalmem() / 1e6),
    os: `${type()} ${release()} ${process.arch}`,
    node: process.version,
  };
}

function settingsOf(
  settings: Settings,
  { picture }: Sending,
  source: FrameSource,
  plan: Plan,
): BenchSettings {
  const { size = { width: 640, height: 480 }, conf = 0.35, iou = 0.45, classes = [], worker } = settings;
  return {
    source: source.name,
    fps: plan.pace.kind === "paced" ? plan.pace.fps : null,
    duration_s: plan.durationUs / 1e6,
    ...(plan.maxDurationUs === undefined ? {} : { max_duration_s: plan.maxDurationUs / 1e6 }),
    warmup_s: plan.warmUpUs / 1e6,
    ...(settings.require_stable ? { require_stable: true } : {}),
    size: size === "native" ? size : `${size.width}x${size.height}`,
    pixel_format: picture ?? source.format,
    conf,
    iou,
    classes,
    worker: worker === undefined ? null : `${worker.tls ? "tls://" : ""}${worker.host}:${worker.port}`,
  };
}
