import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import { basename } from "node:path";
import { type ClientUsage, measure } from "../bench/measure.js";
import { type BenchSettings, benchReport, environmentOf } from "../bench/report.js";
import { warmUp } from "../bench/warm-up.js";
import type { Settings } from "../config/settings.js";
import { systemClock } from "../core/clock.js";
import { AiwError, ExitCode } from "../core/errors.js";
import { packageVersion } from "../core/version.js";
import { Feed, type Pace } from "../pipeline/feed.js";
import { droppedTotal } from "../pipeline/ledger.js";
import { benchTable } from "../reports/bench-table.js";
import { writeWhole } from "../sinks/whole-file.js";
import type { FrameSource } from "../source/frame-source.js";
import type { CommandContext } from "./command-context.js";
import { drain } from "./drain.js";
import type { Flag, ParsedFlags } from "./flags.js";
import { openPipeline } from "./open-pipeline.js";
import { commandSettings } from "./settings.js";
import { type SourceName, sourceNames } from "./sources.js";
import { type WorkerSession, withLastWords } from "./worker-session.js";

const DEFAULT_FPS = 12;
const DEFAULT_DURATION_US = 30_000_000;
const DEFAULT_WARMUP_US = 3_000_000;
/** Least time between two changes of the live line, microseconds. */
const LIVE_LINE_US = 250_000;

/** `aiw bench`: latency, drops and detections at a fixed offered rate. */
export async function execute(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  context: CommandContext,
): Promise<number> {
  const settings = await commandSettings(flags, parsed, context.env);
  const names = sourceNames(settings);
  if (names.length > 1) throw new AiwError("USAGE", "bench measures one source at a time");
  const name: SourceName = names[0] ?? { kind: "source", uri: "synthetic:" };
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
  const { fps = DEFAULT_FPS, frames, duration: durationUs = DEFAULT_DURATION_US } = settings;
  const pace: Pace = source.live ? { kind: "live", maxFps: settings.fps } : { kind: "paced", fps };
  const feed = new Feed(source, systemClock);
  const warmUpUs = settings.warmup ?? DEFAULT_WARMUP_US;
  progress.step(`warming up at ${fps} fps`);
  const warm =
    warmUpUs === 0
      ? { durationUs: 0, results: 0, settled: false }
      : await warmUp(feed, session.client, systemClock, pace, warmUpUs, interrupt);
  if (interrupt.aborted) throw interrupt.reason;
  if (session.client.lost !== undefined) throw await withLastWords(session.client.lost, session.process);
  const time = new Date(systemClock.wallMs()).toISOString();
  const startUs = systemClock.nowUs();
  let nextLineUs = 0;
  const measured = await measure({
    feed,
    sink: session.client,
    clock: systemClock,
    pace,
    limits: { durationUs, maxFrames: frames },
    usage: () => clientUsage(source),
    onOutcome: (counts, tally) => {
      const nowUs = systemClock.nowUs();
      if (nowUs < nextLineUs) return;
      nextLineUs = nowUs + LIVE_LINE_US;
      const p95 = (tally.latency.of("total").percentileUs(95) / 1000).toFixed(1);
      const seconds = `${Math.round((nowUs - startUs) / 1e6)} of ${durationUs / 1e6} s`;
      progress.step(
        `${seconds} · ${counts.results} results, ${droppedTotal(counts)} dropped · p95 ${p95} ms`,
      );
    },
    drain: (stream) => drain(stream, interrupt),
    interrupt,
  });
  await feed.close();
  progress.clear();
  const endedEarly = measured.lost?.message ?? (interrupt.aborted ? "interrupted" : undefined);
  const head = {
    time,
    environment: environmentOf(session.info, thisMachine(), basename(settings.model ?? "")),
    settings: settingsOf(settings, source, pace, durationUs, warmUpUs),
  };
  const report = benchReport(head, warm, measured, endedEarly);
  progress.note(benchTable(report));
  if (settings.json !== undefined) writeWhole(settings.json, `${JSON.stringify(report, null, 2)}\n`);
  if (measured.lost !== undefined) throw await withLastWords(measured.lost, session.process);
  if (interrupt.aborted) throw interrupt.reason;
  if (measured.counts.results === 0) {
    const why = measured.tally.firstError ?? "all were dropped";
    throw new AiwError("NO_RESULTS", `none of ${measured.counts.offered} frames gave a result: ${why}`);
  }
  return ExitCode.ok;
}

function clientUsage(source: FrameSource): ClientUsage {
  const { user, system } = process.cpuUsage();
  return { cpuUs: user + system, rssBytes: process.memoryUsage.rss(), sourceCpuUs: source.cpuUs?.() ?? null };
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
  source: FrameSource,
  pace: Pace,
  durationUs: number,
  warmUpUs: number,
): BenchSettings {
  const { size = { width: 640, height: 480 }, conf = 0.35, iou = 0.45, classes = [], worker } = settings;
  return {
    source: source.name,
    fps: pace.kind === "paced" ? pace.fps : null,
    duration_s: durationUs / 1e6,
    warmup_s: warmUpUs / 1e6,
    size: size === "native" ? size : `${size.width}x${size.height}`,
    pixel_format: settings.pixel_format ?? "auto",
    conf,
    iou,
    classes,
    worker: worker === undefined ? null : `${worker.host}:${worker.port}`,
  };
}
