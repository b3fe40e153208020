import type { Stage } from "../results/stages.js";

type Statistic = "mean" | "max" | `p${number}`;

/** A latency that a gate is on. */
export interface GateLatency {
  readonly of: "total" | Stage;
  readonly statistic: Statistic;
}

/** The figure that a gate is on, of its text as it was written: "inference.p95" of "inference.p95 <= 50 ms". */
export function gateName(text: string): string {
  return /^\s*([^\s<>=]*)/.exec(text)?.[1] ?? "";
}

/** "p95" and "inference.p95" are latencies; undefined for what is none. */
export function latencyOf(name: string): GateLatency | undefined {
  const [first = "", second] = name.split(".");
  const [of, statistic] = second === undefined ? ["total", first] : [first, second];
  return /^(p\d+|max|mean)$/.test(statistic)
    ? { of: of as "total" | Stage, statistic: statistic as Statistic }
    : undefined;
}

/** Percentile that a statistic is: 100 for the maximum, undefined for the mean. */
export function percentOf(statistic: Statistic): number | undefined {
  if (statistic === "mean") return undefined;
  return statistic === "max" ? 100 : Number(statistic.slice(1));
}
