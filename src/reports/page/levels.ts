import { gateName, latencyOf, percentOf } from "../../bench/gate-name.js";
import type { JudgedGate } from "../../bench/report-schema.js";
import type { Level } from "./chart.js";

export interface LatencyLevel extends Level {
  /** "total" or a stage */
  readonly of: string;
  /** Percentile that the gate is on; undefined for one on the mean. */
  readonly percent: number | undefined;
}

/** The gates on a latency of the total or of the stages named, as levels of a chart, milliseconds. */
export function latencyLevels(gates: readonly JudgedGate[], of: readonly string[]): LatencyLevel[] {
  return gates.flatMap(({ gate, limit, verdict }) => {
    const latency = latencyOf(gateName(gate));
    if (latency === undefined || !of.includes(latency.of)) return [];
    const percent = percentOf(latency.statistic);
    return [{ text: gate, value: limit, verdict, of: latency.of, percent }];
  });
}
