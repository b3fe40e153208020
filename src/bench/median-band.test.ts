import { describe, expect, it } from "vitest";
import { seededRandom } from "../scene/random.js";
import { median } from "../core/median.js";
import { bandRank, leastForBand, medianBand } from "./median-band.js";

describe("the band of a median", () => {
  it.each([
    // P(Binomial(8, 1/2) = 0) = 1/256 = 0.0039
    [8, 0.004, 1],
    [8, 0.0039, 0],
    // P(Binomial(16, 1/2) <= 2) = (1 + 16 + 120) / 65536 = 0.00209; with <= 3 it is 0.0106
    [16, 0.0025, 3],
    [16, 0.002, 2],
    [16, 0.011, 4],
    [1, 0.0025, 0],
    [0, 0.5, 0],
  ])("of %i values at %f has its ends at rank %i", (n, alpha, rank) => {
    expect(bandRank(n, alpha)).toBe(rank);
  });

  it.each([
    [0.0025, 9],
    [0.001, 10],
    [0.5, 1],
  ])("at %f needs %i values", (alpha, least) => {
    expect(leastForBand(alpha)).toBe(least);
    expect(bandRank(least, alpha)).toBe(1);
    expect(bandRank(least - 1, alpha)).toBe(0);
  });

  it("has the ranked values as its ends, whatever their order", () => {
    const values = [7, 1, 16, 3, 10, 5, 12, 8, 2, 15, 4, 13, 6, 11, 9, 14];
    expect(medianBand(values, 0.0025)).toEqual({ median: 8.5, low: 3, high: 14 });
    expect(values[0]).toBe(7);
    expect(medianBand([1, 2, 3], 0.0025)).toBeUndefined();
    expect(medianBand([], 0.5)).toBeUndefined();
    expect(median([])).toBeNaN();
  });

  it("misses the true median as seldom as it says, also of a skewed distribution", () => {
    const random = seededRandom(7);
    const draw = () => -Math.log(1 - random(1 << 20) / (1 << 20));
    let [below, above] = [0, 0];
    const rounds = 20_000;
    for (let i = 0; i < rounds; i++) {
      const band = medianBand(Array.from({ length: 16 }, draw), 0.011);
      if (band === undefined) throw new Error("16 values have a band");
      if (band.high < Math.LN2) below++;
      if (band.low > Math.LN2) above++;
    }
    // 0.0106 of each, and four standard errors of it.
    const most = 0.0106 + 4 * Math.sqrt(0.0106 / rounds);
    for (const share of [below / rounds, above / rounds]) {
      expect(share).toBeLessThan(most);
      expect(share).toBeGreaterThan(0.0106 - 4 * Math.sqrt(0.0106 / rounds));
    }
  });
});
