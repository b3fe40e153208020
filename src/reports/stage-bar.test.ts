import { expect, it } from "vitest";
import type { BenchReport } from "../bench/report-schema.js";
import { LATENCIES } from "../results/latency.js";
import { stageBar } from "./stage-bar.js";

function latency(means: Partial<Record<string, number>>, count = 10): BenchReport["latency_ms"] {
  const none = { p50: 0, p90: 0, p95: 0, p99: 0, max: 0 };
  const entries = LATENCIES.map((name) => [name, { ...none, count, mean: means[name] ?? 0 }]);
  return Object.fromEntries(entries) as BenchReport["latency_ms"];
}

it("gives each stage its share of the bar and leaves nothing out", () => {
  const means = { wait: 10, transport: 20, queue: 10, preprocess: 10, inference: 40, postprocess: 10 };
  expect(stageBar(latency(means), 20)).toBe("░░▒▒▒▒╱╱▓▓████████╳╳");
  const odd = stageBar(latency({ wait: 1, transport: 1, inference: 1 }), 20);
  expect(odd).toHaveLength(20);
  expect(odd).toMatch(/^░{6,7}▒{6,7}█{6,7}$/);
});

it("is nothing of a worker that does not report its stages", () => {
  expect(stageBar(latency({ wait: 1 }, 0), 20)).toBe("");
});
