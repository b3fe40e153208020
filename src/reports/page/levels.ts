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
    const found = /^\s*(?:([a-z]+)\.)?(p\d+|max|mean)\b/.exec(gate);
    const name = found?.[1] ?? "total";
    if (found === null || !of.includes(name)) return [];
    const percent = found[2] === "max" ? 100 : found[2] === "mean" ? undefined : Number(found[2]?.slice(1));
    return [{ text: gate, value: limit, verdict, of: name, percent }];
  });
}
