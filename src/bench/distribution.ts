import { LATENCIES, type LatencyStats } from "../results/latency.js";
import type { Stage } from "../results/stages.js";
import type { Distribution } from "./report-schema.js";

/** Every percent, and what lies beyond the last but one in the steps in which latencies are spoken of. */
const PERCENTILES = [...Array.from({ length: 100 }, (_, percent) => percent), 99.5, 99.9, 99.95, 99.99, 100];

/** The latencies at many percentiles, milliseconds: what a curve of them is drawn from. */
export function distributionOf(latency: LatencyStats): Distribution {
  const curves = LATENCIES.map((name) => {
    const histogram = latency.of(name);
    const isEmpty = histogram.summary().count === 0;
    const values = isEmpty ? [] : PERCENTILES.map((percent) => histogram.percentileUs(percent) / 1000);
    return [name, values] as const;
  });
  return {
    percentiles: PERCENTILES,
    latency_ms: Object.fromEntries(curves) as Record<"total" | Stage, number[]>,
  };
}
