import { describe, expect, it } from "vitest";
import { seededRandom } from "../scene/random.js";
import { ALPHA, binomialTail, samplesNeeded } from "./early-stopping.js";

/** The tail term by term, with exact binomial coefficients. */
function tailByHand(n: number, share: number, t: number): number {
  let choose = 1n;
  let sum = 0;
  for (let k = 0; k <= t; k++) {
    sum += Number(choose) * share ** k * (1 - share) ** (n - k);
    choose = (choose * BigInt(n - k)) / BigInt(k + 1);
  }
  return sum;
}

describe("samplesNeeded", () => {
  // The table of MLPerf's early stopping, as the method has it.
  it.each([
    [90, [44, 64, 81, 127]],
    [95, [90, 130, 165, 259]],
    [99, [459, 662, 838, 1307]],
  ])("has the published table for p%d", (percent, needed) => {
    const allowed = (100 - percent) / 100;
    expect([0, 1, 2, 5].map((over) => samplesNeeded(over, allowed))).toEqual(needed);
  });

  it("is the least: one fewer does not show it", () => {
    for (const allowed of [0.5, 0.1, 0.05, 0.01, 0.001]) {
      for (const over of [0, 1, 7, 40]) {
        const n = samplesNeeded(over, allowed);
        expect(binomialTail(n, allowed, over)).toBeLessThanOrEqual(ALPHA);
        expect(binomialTail(n - 1, allowed, over)).toBeGreaterThan(ALPHA);
      }
    }
  });

  it("is quick and finite for long runs with many over", () => {
    const n = samplesNeeded(50_000, 0.05);
    expect(n).toBeGreaterThan(1_000_000);
    expect(n).toBeLessThan(1_020_000);
  });
});

describe("binomialTail", () => {
  it("agrees with the sum of its terms", () => {
    for (const [n, share, t] of [
      [20, 0.3, 3],
      [150, 0.05, 2],
      [300, 0.01, 0],
      [60, 0.5, 29],
    ] as const) {
      expect(binomialTail(n, share, t)).toBeCloseTo(tailByHand(n, share, t), 10);
    }
  });

  it("is certain where all may be bad, and impossible where all are and are not", () => {
    expect(binomialTail(10, 0.2, 10)).toBe(1);
    expect(binomialTail(10, 0, 0)).toBe(1);
    expect(binomialTail(10, 1, 9)).toBe(0);
  });
});

describe("a gate at its limit", () => {
  it.each([
    [0.05, 90],
    [0.05, 130],
    [0.05, 360],
    [0.1, 127],
    [0.01, 700],
  ])("passes at most 1 run in 100 with a true share just over %d, of %d samples", (allowed, n) => {
    const next = seededRandom(n);
    const share = allowed * 1.0001;
    const runs = 20_000;
    let passed = 0;
    for (let run = 0; run < runs; run++) {
      let over = 0;
      for (let i = 0; i < n; i++) if (next(1_000_000) < share * 1e6) over++;
      if (over <= n * allowed && n >= samplesNeeded(over, allowed)) passed++;
    }
    // Three standard deviations of the count at 1 %.
    expect(passed / runs).toBeLessThanOrEqual(ALPHA + 3 * Math.sqrt((ALPHA * (1 - ALPHA)) / runs));
  });
});
