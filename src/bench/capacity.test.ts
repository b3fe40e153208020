import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findCapacity } from "./capacity.js";

const LIMITS = { start: 12, least: 1, most: 1000 };

async function search(capacity: number, limits = LIMITS) {
  const tried: number[] = [];
  const found = await findCapacity(limits, async (fps) => {
    tried.push(fps);
    return fps <= capacity;
  });
  return { ...found, tried };
}

describe("findCapacity", () => {
  it("doubles, then bisects to within 5 %", async () => {
    const { passed = 0, failed = 0, tried } = await search(31);
    expect(tried.slice(0, 3)).toEqual([12, 24, 48]);
    expect(passed).toBeLessThanOrEqual(31);
    expect(failed).toBeGreaterThan(31);
    expect(failed / passed).toBeLessThanOrEqual(1.05);
  });

  it("finds it wherever it is, and tries no rate twice", async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 1, max: 990, noNaN: true }), async (capacity) => {
        const { passed = 0, failed = 0, tried } = await search(capacity);
        expect(passed).toBeLessThanOrEqual(capacity);
        expect(failed).toBeGreaterThan(capacity);
        expect(failed / passed).toBeLessThanOrEqual(1.0501);
        expect(new Set(tried).size).toBe(tried.length);
      }),
    );
  });

  it("says that no rate passes, and that all do", async () => {
    expect(await search(0.5)).toMatchObject({ passed: undefined, failed: 1 });
    expect(await search(5000)).toMatchObject({ passed: 1000, failed: undefined });
  });
});
