import { describe, expect, it } from "vitest";
import { counting, fromZero, latencyAxis, percentileAxis, rateAxis, SPAN, timeAxis } from "./axis.js";

const labels = ({ ticks }: ReturnType<typeof fromZero>) => ticks.map(({ label }) => label);

describe("axes", () => {
  it("goes from 0 to a round number, upwards", () => {
    const axis = fromZero("ms", 87);
    expect(labels(axis)).toEqual(["0", "20", "40", "60", "80", "100"]);
    expect(axis.at(0)).toBe(SPAN);
    expect(axis.at(100)).toBe(0);
    expect(axis.at(1e9)).toBe(0);
    expect(fromZero("ms", 0).domain).toEqual([0, 1]);
  });

  it("counts in whole numbers", () => {
    expect(labels(counting("frames", 1))).toEqual(["0", "1"]);
    expect(labels(counting("frames", 3))).toEqual(["0", "1", "2", "3"]);
  });

  it("shows a tail that dwarfs the p95 in equal ratios, and says so", () => {
    const plain = latencyAxis({ lowest: 10, p95: 20, highest: 100 }, []);
    expect(plain.title).toBe("ms, from 0");
    const tailed = latencyAxis({ lowest: 10, p95: 20, highest: 2000 }, []);
    expect(tailed.title).toBe("ms, logarithmic");
    expect(tailed.at(20) - tailed.at(40)).toBeCloseTo(tailed.at(200) - tailed.at(400));
    for (let ms = 10; ms < 2000; ms++) expect(tailed.at(ms + 1)).toBeLessThan(tailed.at(ms));
    expect(labels(tailed)).toEqual(["5", "10", "20", "50", "100", "200", "500", "1000", "2000"]);
  });

  it("makes room for a limit unless it would leave none for what was measured", () => {
    const measured = { lowest: 10, p95: 20, highest: 40 };
    expect(latencyAxis(measured, [75]).domain[1]).toBeGreaterThanOrEqual(75);
    expect(latencyAxis(measured, [5000]).domain[1]).toBe(40);
    // Nothing above 0 to take ratios of.
    expect(latencyAxis({ lowest: 0, p95: 1, highest: 90 }, []).title).toBe("ms, from 0");
  });

  it("gives each further 9 of a percentile the same room", () => {
    const axis = percentileAxis(100_000);
    expect(axis.at(0)).toBe(0);
    expect(axis.at(99) - axis.at(90)).toBeCloseTo(axis.at(99.9) - axis.at(99));
    expect(axis.at(100)).toBe(SPAN);
    for (let percent = 0; percent < 100; percent++)
      expect(axis.at(percent + 1)).toBeGreaterThan(axis.at(percent));
    expect(labels(axis)).toEqual(["0", "50", "75", "90", "95", "99", "99.9", "99.99", "max"]);
    expect(labels(percentileAxis(1))).toEqual(["0", "50", "75", "max"]);
  });

  it("has rates from 0, and far ones in equal ratios", () => {
    expect(rateAxis(4, 8).at(0)).toBe(0);
    const far = rateAxis(1, 64);
    expect(far.title).toContain("logarithmic");
    expect(far.at(2) - far.at(1)).toBeCloseTo(far.at(64) - far.at(32));
    expect(far.at(64)).toBeGreaterThan(far.at(1));
    expect(rateAxis(0, 0).domain).toEqual([0, 1]);
  });

  it("has time of a run without any", () => {
    expect(timeAxis(0).domain).toEqual([0, 1]);
  });
});
