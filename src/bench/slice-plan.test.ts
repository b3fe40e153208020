import { describe, expect, it } from "vitest";
import { mayTakeAnother, planSlices } from "./slice-plan.js";

const S = 1_000_000;

describe("a comparison's slices", () => {
  it("are forty pairs within three minutes, and fewer where a start takes long", () => {
    const pairs = [0, 1, 2, 3, 4, 5, 6].map((overhead) => {
      const plan = planSlices({ durationUs: undefined, overheadUs: overhead * S, spentUs: 5 * S });
      expect(plan.sliceUs).toBeGreaterThanOrEqual(0.9 * S);
      expect(plan.sliceUs).toBeLessThanOrEqual(3.5 * S);
      expect(plan.expectedUs + 5 * S).toBeLessThan(180 * S);
      return plan.pairs;
    });
    expect(pairs).toEqual([40, 40, 28, 20, 16, 12, 12]);
    expect(planSlices({ durationUs: undefined, overheadUs: S, spentUs: 0 }).sliceUs).toBe(1.1 * S);
  });

  it("take longer than that rather than being too few for a verdict", () => {
    const { pairs, sliceUs, expectedUs } = planSlices({
      ...{ durationUs: undefined, overheadUs: 20 * S, spentUs: 0 },
    });
    expect([pairs, sliceUs, expectedUs]).toEqual([12, 0.9 * S, Math.round(24 * 20.9 * S)]);
  });

  it("end when their time is over, though not before a verdict is possible", () => {
    expect(mayTakeAnother(12, 160 * S, 18 * S)).toBe(true);
    expect(mayTakeAnother(12, 160 * S, 19 * S)).toBe(false);
    expect(mayTakeAnother(10, 400 * S, 40 * S)).toBe(true);
    expect(mayTakeAnother(11, 400 * S, 40 * S)).toBe(false);
  });

  it.each([
    [4, 2, 1],
    [1, 1, 0.5],
    [30, 15, 1],
    [64, 32, 1],
    [112, 40, 1.4],
    [350, 50, 3.5],
  ])("of %i s are %i pairs of %f s", (seconds, pairs, slice) => {
    const plan = planSlices({ durationUs: seconds * S, overheadUs: S, spentUs: 0 });
    expect(plan).toEqual({ pairs, sliceUs: slice * S, expectedUs: 2 * pairs * (slice + 1) * S });
  });
});
