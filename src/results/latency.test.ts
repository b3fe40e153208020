import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LatencyHistogram } from "./latency.js";
import { frameLatency } from "./stages.js";

describe("LatencyHistogram", () => {
  it("agrees with sorting, within 3 significant figures", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5_000_000 }), { minLength: 1, maxLength: 500 }),
        (values) => {
          const histogram = new LatencyHistogram();
          for (const value of values) histogram.record(value);
          const sorted = [...values].sort((a, b) => a - b);
          for (const percent of [50, 90, 95, 99]) {
            const exact = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? 0;
            expect(Math.abs(histogram.percentileUs(percent) - exact)).toBeLessThanOrEqual(exact * 0.001 + 1);
          }
          const { mean, max, count } = histogram.summary();
          expect(count).toBe(values.length);
          expect(max).toBe((sorted.at(-1) ?? 0) / 1000);
          expect(mean).toBeCloseTo(values.reduce((a, b) => a + b) / values.length / 1000, 2);
        },
      ),
    );
  });

  it("is all zero without a sample", () => {
    expect(new LatencyHistogram().summary()).toEqual({
      count: 0,
      mean: 0,
      p50: 0,
      p90: 0,
      p95: 0,
      p99: 0,
      max: 0,
    });
  });
});

describe("frameLatency", () => {
  it("gives stages that add up to the total", () => {
    const worker = { queueUs: 10, preprocessUs: 20, inferenceUs: 300, postprocessUs: 40 };
    const { total, ...stages } = frameLatency(1000, { sentAtUs: 1500, answeredAtUs: 3000 }, worker);
    expect(total).toBe(2000);
    expect(Object.values(stages).reduce<number>((sum, us) => sum + (us ?? 0), 0)).toBe(total);
    expect(stages).toMatchObject({ wait: 500, transport: 1130 });
  });

  it("does not make up stages that the worker does not report", () => {
    expect(frameLatency(0, { sentAtUs: 5, answeredAtUs: 9 }, undefined)).toEqual({
      ...{
        total: 9,
        wait: 5,
        transport: null,
        queue: null,
        preprocess: null,
        inference: null,
        postprocess: null,
      },
    });
  });
});
