import { describe, expect, it } from "vitest";
import { mayTakeAnother, planSlices } from "./slice-plan.js";

const S = 1_000_000;
const THREE_MINUTES = 180 * S;

describe("a comparison's slices", () => {
  it("are sixteen pairs within three minutes, whatever a start takes", () => {
    for (const overheadUs of [0, S, 2 * S, 3 * S, 4 * S]) {
      const { pairs, sliceUs, expectedUs } = planSlices({
        durationUs: undefined,
        overheadUs,
        spentUs: 5 * S,
      });
      expect(pairs).toBe(16);
      expect(sliceUs).toBeGreaterThanOrEqual(S);
      expect(sliceUs).toBeLessThanOrEqual(3.5 * S);
      expect(expectedUs + 5 * S).toBeLessThan(THREE_MINUTES);
    }
    expect(planSlices({ durationUs: undefined, overheadUs: S, spentUs: 0 }).sliceUs).toBe(3.5 * S);
  });

  it("take longer than that rather than being nothing", () => {
    const { pairs, sliceUs, expectedUs } = planSlices({
      durationUs: undefined,
      overheadUs: 20 * S,
      spentUs: 0,
    });
    expect([pairs, sliceUs, expectedUs]).toEqual([16, S, 32 * 21 * S]);
  });

  it("end when their time is over, though not before a verdict is possible", () => {
    expect(mayTakeAnother(12, 160 * S, 18 * S)).toBe(true);
    expect(mayTakeAnother(12, 160 * S, 19 * S)).toBe(false);
    expect(mayTakeAnother(9, 400 * S, 40 * S)).toBe(true);
    expect(mayTakeAnother(10, 400 * S, 40 * S)).toBe(false);
  });

  it.each([
    [4, 2, 1],
    [1, 1, 0.5],
    [30, 15, 1],
    [64, 16, 2],
    [112, 16, 3.5],
    [350, 50, 3.5],
  ])("of %i s are %i pairs of %f s", (seconds, pairs, slice) => {
    const plan = planSlices({ durationUs: seconds * S, overheadUs: S, spentUs: 0 });
    expect(plan).toEqual({ pairs, sliceUs: slice * S, expectedUs: 2 * pairs * (slice + 1) * S });
  });
});
