import { findCapacity } from "../bench/capacity.js";
import { leastSamples } from "../bench/gates.js";
import { ratesReport } from "../bench/rates-report.js";
import type { RatesReport } from "../bench/report-schema.js";
import { parseGate } from "../config/gate.js";
import { MAX_FPS } from "../config/values.js";
import { AiwError, ExitCode } from "../core/errors.js";
import type { Gate } from "../core/gate.js";
import { gateProblem } from "../reports/gate-words.js";
import { ratesTable } from "../reports/rates-table.js";
import { writeReports } from "./bench-reports.js";
import { throwIfGatesFailed, throwIfUnstable, unsettled } from "./bench-gates.js";
import {
  type Bench,
  type BenchRun,
  type Plan,
  runBench,
  throwIfEnded,
  throwIfNoResult,
} from "./bench-run.js";

/** The mission's own line, where no gate is given. */
const DEFAULT_GATES = ["p95<150ms", "drops<=5%"];
/** Below this no search goes, frames a second. */
const LEAST_FPS = 1;
/** Length of a run that was not given one: at least, at most, and so many times what its gates need at least. */
const LEAST_US = 15_000_000;
const MOST_US = 120_000_000;
const AMPLE = 2;
/** And this many times in any case. */
const BARELY = 1.25;

/**
 * `--sweep` and `--find-max`: the same bench at several rates, one after the other.
 * @throws what ended a run, after the report of those that were measured; GATE_FAILED, GATE_INSUFFICIENT
 */
export async function benchRates(bench: Bench, plan: Plan): Promise<number> {
  const { settings, source, context } = bench;
  const { find_max: findMax, sweep = [] } = settings;
  if (plan.pace.kind !== "paced") {
    const flag = findMax ? "--find-max" : "--sweep";
    throw new AiwError("USAGE", `${flag} with ${source.name}: a live source comes at its own rate`);
  }
  const gates =
    findMax && plan.gates.length === 0 ? DEFAULT_GATES.map((text) => parseGate(text)) : plan.gates;
  const runs: BenchRun[] = [];
  const measureAt = async (fps: number): Promise<BenchRun> => {
    const { maxDurationUs: mostUs = Number.POSITIVE_INFINITY } = plan;
    const durationUs = settings.duration ?? Math.min(mostUs, ampleUs(gates, fps));
    context.progress.note(`measuring at ${fps} fps for ${Number((durationUs / 1e6).toFixed(1))} s`);
    const run = await runBench(bench, { ...plan, gates, durationUs, pace: { kind: "paced", fps } });
    runs.push(run);
    throwIfEnded(run, context.interrupt);
    return run;
  };
  let search: "finished" | "unfinished" | undefined = findMax ? "unfinished" : undefined;
  let ended: unknown;
  try {
    if (findMax) {
      const limits = { start: plan.pace.fps, least: LEAST_FPS, most: MAX_FPS };
      await findCapacity(limits, async (fps) => (await measureAt(fps)).report.verdict === "pass");
      search = "finished";
    } else for (const fps of sweep) await measureAt(fps);
  } catch (error) {
    if (runs.length === 0) throw error;
    ended = error;
  }
  const report = ratesReport(
    runs.map((run) => run.report),
    search,
  );
  context.progress.clear();
  context.progress.note(ratesTable(report));
  await writeReports(settings, report, context.interrupt);
  if (ended !== undefined) throw ended;
  for (const run of runs) if (runs.every(({ noResult }) => noResult !== undefined)) throwIfNoResult(run);
  if (findMax) return exitOfSearch(report, gates);
  throwIfGatesFailed(
    report.runs.flatMap(({ settings: { fps }, gates: judged }) =>
      judged.map((gate) => ({ ...gate, gate: `${gate.gate} at ${fps} fps` })),
    ),
  );
  if (settings.require_stable) {
    for (const run of report.runs) throwIfUnstable(run, ` at ${run.settings.fps} fps`);
  }
  return ExitCode.ok;
}

/** Long enough for the gates to be judged with some samples over their limits, where that is not too long. */
function ampleUs(gates: readonly Gate[], fps: number): number {
  const neededUs = (Math.max(0, ...gates.map((gate) => leastSamples(gate))) * 1e6) / fps;
  const ample = Math.min(MOST_US, Math.max(LEAST_US, AMPLE * neededUs));
  return Math.round(Math.max(ample, BARELY * neededUs));
}

/**
 * A rate that was not shown to pass counts as one that does not; where none is left, the lowest decides
 * whether that is known.
 * @throws GATE_FAILED, GATE_INSUFFICIENT
 */
function exitOfSearch({ max_fps: max, runs }: RatesReport, gates: readonly Gate[]): number {
  if (typeof max === "number") return ExitCode.ok;
  const [lowest] = runs;
  const texts = gates.map(({ text }) => `"${text}"`).join(" and ");
  if (lowest?.verdict !== "insufficient")
    throw new AiwError("GATE_FAILED", `${texts}: no rate down to ${lowest?.settings.fps} fps passes`);
  const why = lowest.gates.filter(({ verdict }) => verdict === "insufficient").map(gateProblem);
  const said = why.length === 0 ? unsettled(lowest) : why.join("; ");
  throw new AiwError("GATE_INSUFFICIENT", `no rate was shown to pass, at ${lowest.settings.fps} fps ${said}`);
}
