import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import { basename } from "node:path";
import { type ClientUsage, measure } from "../bench/measure.js";
import { type BenchSettings, benchReport, environmentOf } from "../bench/report.js";
import { warmUp } from "../bench/warm-up.js";
import type { Settings } from "../config/settings.js";
import type { SourceName } from "../config/source-names.js";
import { systemClock } from "../core/clock.js";
import { AiwError, ExitCode, toAiwError } from "../core/errors.js";
import { packageVersion } from "../core/version.js";
import { Feed, type Pace } from "../pipeline/feed.js";
import { droppedTotal, type LedgerCounts } from "../pipeline/ledger.js";
import { benchTable } from "../reports/bench-table.js";
import type { Tally } from "../results/tally.js";
import { checkWritable, writeWhole } from "../sinks/whole-file.js";
import type { FrameSource } from "../source/frame-source.js";
import { checkGates, throwIfGatesFailed } from "./bench-gates.js";
import type { CommandContext } from "./command-context.js";
import { withModel } from "./default-model.js";
import { drain } from "./drain.js";
import type { Flag, ParsedFlags } from "./flags.js";
import { openPipeline } from "./open-pipeline.js";
import type { Progress } from "./progress.js";
import { commandSettings } from "./settings.js";
import { paceOf, sourcesOf } from "./sources.js";
import { reportedClasses, type WorkerSession, withLastWords } from "./worker-session.js";

const DEFAULT_FPS = 12;
const DEFAULT_DURATION_US = 30_000_000;
const DEFAULT_WARMUP_US = 3_000_000;
/** Least time between two changes of the live line, microseconds. */
const LIVE_LINE_US = 250_000;

/** `aiw bench`: latency, drops and detections at a fixed offered rate, and gates on them. */
export async function execute(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  context: CommandContext,
): Promise<number> {
  const given = await commandSettings(flags, parsed, context.env);
  const names = sourcesOf(given);
  if (names.length > 1) throw new AiwError("USAGE", "bench measures one source at a time");
  const name: SourceName = names[0] ?? { kind: "source", uri: "synthetic:" };
  checkGates(given.gates ?? [], name);
  const settings = withModel(given, [name]);
  if (settings.json !== undefined) checkWritable(settings.json);
  const { session, source } = await openPipeline(name, settings, context, true);
  try {
    return await bench(settings, context, session, source);
  } finally {
    await source.close();
    await session.close();
  }
}

async function bench(
  settings: Settings,
  context: CommandContext,
  session: WorkerSession,
  source: FrameSource,
): Promise<number> {
  const { progress, interrupt } = context;
  const plan = planOf(settings, source);
  const feed = new Feed(source, systemClock);
  progress.step("warming up");
  const warm = await warmUp(feed, session.client, systemClock, plan.pace, plan.warmUpUs, interrupt);
  if (interrupt.aborted) throw interrupt.reason;
  if (session.client.lost !== undefined) throw await withLastWords(session.client.lost, session.process);
  // A scene is the same in every bench then, however long its warm-up was: so are its truth and its gates.
  feed.rewind();
  const time = new Date(systemClock.wallMs()).toISOString();
  const measured = await measure({
    feed,
    sink: session.client,
    clock: systemClock,
    pace: plan.pace,
    limits: { durationUs: plan.durationUs, maxFrames: settings.frames },
    usage: () => clientUsage(source),
    classes: reportedClasses(settings, session.info),
    onOutcome: liveLine(progress, plan.durationUs),
    drain: (stream) => drain(stream, interrupt),
    interrupt,
  });
  await feed.close();
  progress.clear();
  const failure =
    measured.failure === undefined
      ? undefined
      : toAiwError(await withLastWords(measured.failure, session.process));
  const why = failure?.message ?? (interrupt.aborted ? "interrupted" : undefined);
  const head = {
    time,
    environment: environmentOf(session.info, thisMachine(), basename(settings.model ?? "")),
    settings: settingsOf(settings, source, plan),
  };
  const early = why === undefined ? undefined : { why, failed: failure !== undefined };
  const report = benchReport(head, warm, measured, early, settings.gates);
  progress.note(benchTable(report));
  if (settings.json !== undefined) await writeWhole(settings.json, `${JSON.stringify(report, null, 2)}\n`);
  if (failure !== undefined) throw failure;
  if (interrupt.aborted) throw interrupt.reason;
  const { offered, results } = measured.counts;
  if (results > 0) {
    throwIfGatesFailed(report.gates);
    return ExitCode.ok;
  }
  const noFrame = warm.results > 0 ? "the source ended in the warm-up" : "the source gave no frame";
  const noResult = measured.tally.firstError ?? (offered === 0 ? noFrame : "all were dropped");
  throw new AiwError("NO_RESULTS", `none of ${offered} frames gave a result: ${noResult}`);
}

interface Plan {
  readonly pace: Pace;
  readonly warmUpUs: number;
  readonly durationUs: number;
}

/** @throws USAGE */
function planOf(settings: Settings, source: FrameSource): Plan {
  // A bench always has a rate: the one asked for, a file's own with --realtime, else the mission's.
  const fps = settings.fps ?? (settings.realtime || source.live ? undefined : DEFAULT_FPS);
  const pace = paceOf(source, { ...settings, ...(fps === undefined ? {} : { fps }) });
  const {
    duration = DEFAULT_DURATION_US,
    frames = Number.POSITIVE_INFINITY,
    warmup = DEFAULT_WARMUP_US,
  } = settings;
  const framesUs = pace.kind === "paced" ? Math.round((frames * 1e6) / pace.fps) : Number.POSITIVE_INFINITY;
  return { pace, warmUpUs: warmup, durationUs: Math.min(duration, framesUs) };
}

function liveLine(progress: Progress, durationUs: number): (counts: LedgerCounts, tally: Tally) => void {
  const startUs = systemClock.nowUs();
  let nextUs = startUs;
  return (counts, tally) => {
    const nowUs = systemClock.nowUs();
    if (nowUs < nextUs) return;
    nextUs = nowUs + LIVE_LINE_US;
    const p95 = (tally.latency.of("total").percentileUs(95) / 1000).toFixed(1);
    const seconds = `${Math.round((nowUs - startUs) / 1e6)} of ${durationUs / 1e6} s`;
    progress.step(`${seconds} · ${counts.results} results, ${droppedTotal(counts)} dropped · p95 ${p95} ms`);
  };
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

function settingsOf(settings: Settings, source: FrameSource, plan: Plan): BenchSettings {
  const { size = { width: 640, height: 480 }, conf = 0.35, iou = 0.45, classes = [], worker } = settings;
  return {
    source: source.name,
    fps: plan.pace.kind === "paced" ? plan.pace.fps : null,
    duration_s: plan.durationUs / 1e6,
    warmup_s: plan.warmUpUs / 1e6,
    size: size === "native" ? size : `${size.width}x${size.height}`,
    pixel_format: settings.pixel_format ?? "auto",
    conf,
    iou,
    classes,
    worker: worker === undefined ? null : `${worker.host}:${worker.port}`,
  };
}
