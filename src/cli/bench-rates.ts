import { type Capacity, findCapacity } from "../bench/capacity.js";
import { leastSamples } from "../bench/gates.js";
import { ratesReport } from "../bench/rates-report.js";
import { parseGate } from "../config/gate.js";
import { MAX_FPS } from "../config/values.js";
import { AiwError, ExitCode } from "../core/errors.js";
import type { Gate } from "../core/gate.js";
import { ratesTable } from "../reports/rates-table.js";
import { writeReports } from "./bench-reports.js";
import { throwIfGatesFailed, throwIfUnstable } from "./bench-gates.js";
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
    const durationUs = settings.duration ?? ampleUs(gates, fps);
    context.progress.note(`measuring at ${fps} fps for ${(durationUs / 1e6).toFixed(0)} s`);
    const run = await runBench(bench, { ...plan, gates, durationUs, pace: { kind: "paced", fps } });
    runs.push(run);
    throwIfEnded(run, context.interrupt);
    return run;
  };
  let capacity: Capacity | undefined;
  let ended: unknown;
  try {
    if (findMax) {
      const limits = { start: plan.pace.fps, least: LEAST_FPS, most: MAX_FPS };
      capacity = await findCapacity(limits, async (fps) => (await measureAt(fps)).report.verdict === "pass");
    } else for (const fps of sweep) await measureAt(fps);
  } catch (error) {
    if (runs.length === 0) throw error;
    ended = error;
  }
  const report = ratesReport(
    runs.map((run) => run.report),
    findMax ? (capacity ?? "unfinished") : undefined,
  );
  context.progress.clear();
  context.progress.note(ratesTable(report));
  await writeReports(settings, report, context.interrupt);
  if (ended !== undefined) throw ended;
  for (const run of runs) if (runs.every(({ noResult }) => noResult !== undefined)) throwIfNoResult(run);
  if (findMax) return exitOfSearch(capacity, gates);
  throwIfGatesFailed(
    report.runs.flatMap(({ settings: { fps }, gates: judged }) =>
      judged.map((gate) => ({ ...gate, gate: `${gate.gate} at ${fps} fps` })),
    ),
  );
  if (settings.require_stable) for (const run of report.runs) throwIfUnstable(run);
  return ExitCode.ok;
}

/** Long enough for the gates to be judged with some samples over their limits. */
function ampleUs(gates: readonly Gate[], fps: number): number {
  const needed = Math.max(0, ...gates.map((gate) => leastSamples(gate)));
  return Math.round(Math.min(MOST_US, Math.max(LEAST_US, (AMPLE * needed * 1e6) / fps)));
}

function exitOfSearch(capacity: Capacity | undefined, gates: readonly Gate[]): number {
  if (capacity?.passed !== undefined) return ExitCode.ok;
  const texts = gates.map(({ text }) => `"${text}"`).join(" and ");
  throw new AiwError("GATE_FAILED", `${texts}: no rate down to ${LEAST_FPS} fps passes`);
}
