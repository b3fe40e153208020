import type { RunningMeasurement } from "../bench/measure.js";
import type { JudgedGate } from "../bench/report-schema.js";
import { droppedTotal } from "../pipeline/ledger.js";

const BAR = 12;

/**
 * A run so far, in one line of a terminal: the most important first, and cut where the line ends.
 * @param planUs how long the run is meant to be
 * @param columns that there are for it
 */
export function liveLine(run: RunningMeasurement, planUs: number, columns: number): string {
  const elapsedUs = run.elapsedUs();
  const counts = run.counts();
  const total = run.tally.latency.of("total");
  const done = Math.min(1, elapsedUs / planUs);
  const filled = Math.round(done * BAR);
  const p95 = counts.results === 0 ? "–" : `${(total.percentileUs(95) / 1000).toFixed(1)} ms`;
  const rate = elapsedUs === 0 ? 0 : counts.results / (elapsedUs / 1e6);
  const line = [
    `${"━".repeat(filled)}${"─".repeat(BAR - filled)} ${Math.floor(elapsedUs / 1e6)}/${Math.round(planUs / 1e6)} s`,
    `${rate.toFixed(1)} fps`,
    `p95 ${p95}`,
    `${droppedTotal(counts)} dropped`,
    ...gatesSoFar(run.gates()),
  ].join(" · ");
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}

/** What fails first, then what waits for samples; what holds is only counted. */
function gatesSoFar(gates: readonly JudgedGate[]): string[] {
  const of = (wanted: JudgedGate["verdict"]) => gates.filter(({ verdict }) => verdict === wanted);
  const holding = of("pass").length;
  return [
    ...of("fail").map(({ gate }) => `${gate} FAILS`),
    ...of("insufficient").map(({ gate, value, samples, needed }) =>
      value === null ? `${gate} –` : `${gate} ${samples} of ${needed}`,
    ),
    ...(holding === 0 ? [] : [holding === gates.length ? "gates hold" : `${holding} hold`]),
  ];
}
