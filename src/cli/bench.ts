import type { Settings } from "../config/settings.js";
import { type SourceName, sourceNames } from "../config/source-names.js";
import { systemClock } from "../core/clock.js";
import { AiwError, ExitCode } from "../core/errors.js";
import { Feed } from "../pipeline/feed.js";
import { benchTable } from "../reports/bench-table.js";
import type { FrameSource } from "../source/frame-source.js";
import { checkGates, checkGatesOf, throwIfGatesFailed, throwIfUnstable, unstable } from "./bench-gates.js";
import { checkBenchOutputs, writeReports } from "./bench-reports.js";
import { benchRates } from "./bench-rates.js";
import { type Bench, type Plan, runBench, throwIfEnded, throwIfNoResult } from "./bench-run.js";
import type { CommandContext } from "./command-context.js";
import { withModel } from "./default-model.js";
import type { Flag, ParsedFlags } from "./flags.js";
import { asksForList, listCameras } from "./list-cameras.js";
import { openPipeline } from "./open-pipeline.js";
import { commandSettings } from "./settings.js";
import { BENCH, paceOf } from "./sources.js";

const DEFAULT_FPS = 12;
const DEFAULT_DURATION_US = 30_000_000;
const DEFAULT_WARMUP_US = 3_000_000;

/** `aiw bench`: latency, drops and detections at a fixed offered rate, and gates on them. */
export async function execute(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  context: CommandContext,
): Promise<number> {
  const given = await commandSettings(flags, parsed, context.env);
  if (asksForList(given)) return listCameras(given, context);
  const names = sourceNames(given);
  if (names.length > 1) throw new AiwError("USAGE", "bench measures one source at a time");
  const name: SourceName = names[0] ?? { kind: "source", uri: "synthetic:" };
  if (typeof parsed.against === "string") {
    const { benchAgainst } = await import("./against.js");
    return benchAgainst(parsed.against, flags, parsed, given, context);
  }
  if (parsed.maxRegression !== undefined)
    throw new AiwError("USAGE", "--max-regression is the limit of --against, and that is not given");
  checkGates(given.gates ?? [], name, given.model);
  refuseRatesThatClash(given);
  const settings = withModel(given, [name]);
  checkBenchOutputs(settings);
  const { session, source } = await openPipeline(name, settings, context, BENCH);
  const feed = new Feed(source, systemClock);
  try {
    checkGatesOf(settings.gates ?? [], settings.model, session.info.warnings);
    const bench = { settings, context, session, source, feed };
    if (settings.find_max || settings.sweep !== undefined)
      return await benchRates(bench, planOf(settings, source));
    return await benchOnce(bench, planOf(settings, source));
  } finally {
    await feed.close();
    await session.close();
  }
}

async function benchOnce(bench: Bench, plan: Plan): Promise<number> {
  const { settings, context } = bench;
  const run = await runBench(bench, plan);
  context.progress.clear();
  context.progress.note(benchTable(run.report));
  if (run.report.stability.verdict === "unstable" && !settings.require_stable) {
    context.progress.note(
      `aiw: warning: ${unstable(run.report)}; the machine may have been busy with other things`,
    );
  }
  await writeReports(settings, run.report, context.interrupt);
  throwIfEnded(run, context.interrupt);
  throwIfNoResult(run);
  throwIfGatesFailed(run.report.gates);
  if (settings.require_stable) throwIfUnstable(run.report);
  return ExitCode.ok;
}

/** @throws USAGE */
function refuseRatesThatClash({ find_max: findMax, sweep, frames, out }: Settings): void {
  if (findMax && sweep !== undefined)
    throw new AiwError("USAGE", "--find-max and --sweep exclude each other");
  if (!findMax && sweep === undefined) return;
  const flag = findMax ? "--find-max" : "--sweep";
  if (frames !== undefined)
    throw new AiwError("USAGE", `--frames with ${flag}: each rate takes the same --duration`);
  if (out !== undefined)
    throw new AiwError("USAGE", `--out with ${flag}: the detections would be of all rates`);
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
    max_duration: maxDurationUs,
    gates = [],
  } = settings;
  const framesUs = pace.kind === "paced" ? Math.round((frames * 1e6) / pace.fps) : Number.POSITIVE_INFINITY;
  const durationUs = Math.min(duration, framesUs);
  // Without a duration of its own each rate takes what its gates need, and no more than this.
  const isFixed = settings.duration !== undefined || !(settings.find_max || settings.sweep !== undefined);
  if (isFixed && maxDurationUs !== undefined && maxDurationUs < durationUs) {
    const [most, least] = [maxDurationUs / 1e6, durationUs / 1e6];
    throw new AiwError("USAGE", `--max-duration ${most} s is less than the duration of ${least} s`);
  }
  return { pace, warmUpUs: warmup, durationUs, maxDurationUs, gates };
}
