import { describe, expect, it } from "vitest";
import { seededRandom } from "../scene/random.js";
import { comparePairs, exactFigures, LEAST_PAIRS, worsening } from "./comparison.js";
import type { FigureName, Pair, SliceFigures } from "./comparison-schema.js";

const LIMIT = 0.05;

const pair = (base: SliceFigures, head: SliceFigures): Pair => ({ first: "base", base, head });

/** Pairs in which one figure changes by each of the factors. */
function changed(factors: readonly number[], figure: FigureName = "total.p2", base = 10): Pair[] {
  return factors.map((factor) => pair({ [figure]: base }, { [figure]: base * factor }));
}

function verdictOf(pairs: readonly Pair[], figure: FigureName = "total.p2") {
  const { figures, verdict } = comparePairs(pairs, LIMIT);
  return [figures.find((judged) => judged.figure === figure)?.verdict, verdict];
}

/** Sixteen factors around a middle, one apart from the next by `step`: their band is of the 3rd to the 14th. */
const around = (middle: number, step: number) =>
  Array.from({ length: 16 }, (_, i) => middle + (i - 7.5) * step);

describe("a figure", () => {
  it("has the median of the ratios and a band of their order statistics", () => {
    const { figures, pairsNeeded } = comparePairs(changed(around(1.1, 0.01)), LIMIT);
    expect(figures).toHaveLength(1);
    const [judged] = figures;
    expect(judged).toMatchObject({ figure: "total.p2", change: "ratio", decides: true, pairs: 16, base: 10 });
    expect(judged?.value).toBeCloseTo(1.1, 12);
    expect(judged?.head).toBeCloseTo(11, 12);
    expect(judged?.low).toBeCloseTo(1.1 - 5.5 * 0.01, 12);
    expect(judged?.high).toBeCloseTo(1.1 + 5.5 * 0.01, 12);
    expect(judged?.confidence).toBeCloseTo(0.99, 12);
    expect(pairsNeeded).toBeNull();
  });

  it.each([
    ["over the limit, the band over 1", 1.1, 0.01, "regress"],
    ["over the limit, the band just over 1", 1.056, 0.01, "regress"],
    ["over the limit, 1 in the band", 1.056, 0.0103, "unclear"],
    ["just within the limit, the band below twice the limit", 1.0499, 0.009, "same"],
    ["within the limit, the band below twice the limit", 1.02, 0.01, "same"],
    ["within the limit, twice the limit in the band", 1.02, 0.016, "unclear"],
    ["below the limit, the band below 1", 0.9, 0.01, "better"],
    ["below the limit, 1 in the band", 0.94, 0.012, "same"],
    ["below the limit, twice the limit in the band", 0.94, 0.03, "unclear"],
  ])("%s", (_, middle, step, verdict) => {
    const overall = verdict === "unclear" ? "insufficient" : verdict;
    expect(verdictOf(changed(around(middle, step)))).toEqual([verdict, overall]);
  });

  it("of which less is worse is turned round", () => {
    const sure = changed(around(1, 0.001));
    const with_ = (recall: number) =>
      sure.map(({ base, head }) => pair({ ...base, recall: 0.8 }, { ...head, recall: 0.8 * recall }));
    expect(verdictOf(with_(0.94), "recall")).toEqual(["regress", "regress"]);
    expect(verdictOf(with_(0.96), "recall")).toEqual(["same", "same"]);
    expect(verdictOf(with_(1.06), "recall")).toEqual(["better", "better"]);
    expect(worsening("recall", 0.94)).toBeCloseTo(0.06, 12);
    expect(worsening("total.p2", 0.94)).toBeCloseTo(-0.06, 12);
  });

  it("that is a share of frames is taken as a difference, since it may be of nothing", () => {
    const lost = (share: number) =>
      changed(around(1, 0.001)).map(({ base, head }) => pair({ ...base, lost: 0 }, { ...head, lost: share }));
    expect(verdictOf(lost(0.06), "lost")).toEqual(["regress", "regress"]);
    expect(verdictOf(lost(0.04), "lost")).toEqual(["same", "same"]);
    expect(worsening("lost", 0.06)).toBe(0.06);
  });

  it("is taken over the pairs that have it, and left out where none has", () => {
    const pairs = changed(around(1, 0.001));
    const some = pairs.map((one, i) =>
      i < 12 ? pair({ ...one.base, recall: 0 }, { ...one.head, recall: 0.5 }) : one,
    );
    expect(comparePairs(some, LIMIT).figures.map(({ figure }) => figure)).toEqual(["total.p2"]);
    const more = pairs.map((one, i) => (i < 12 ? pair({ ...one.base, "total.p95": 1 }, one.head) : one));
    expect(comparePairs(more, LIMIT).figures.map(({ figure }) => figure)).toEqual(["total.p2"]);
  });
});

describe("the verdict", () => {
  it("is insufficient with too few pairs, and says how many there have to be at least", () => {
    const seven = comparePairs(changed(Array.from({ length: 7 }, () => 2)), LIMIT);
    expect(seven).toMatchObject({ verdict: "insufficient", pairsNeeded: 12 });
    expect(seven.figures[0]).toMatchObject({ value: 2, low: null, high: null, verdict: "unclear" });
    expect(LEAST_PAIRS).toBe(11);
    expect(comparePairs([], LIMIT)).toEqual({ figures: [], verdict: "insufficient", pairsNeeded: null });
  });

  it("is insufficient with a band that is too wide, and says about how many pairs make it narrow", () => {
    // A band of 1.02 ± 5.5 x 0.02 that may reach 1.1: 16 x (0.11 / 0.08)² = 30.25.
    const { verdict, pairsNeeded } = comparePairs(changed(around(1.02, 0.02)), LIMIT);
    expect([verdict, pairsNeeded]).toEqual(["insufficient", 32]);
  });

  it("is decided by the low percentile; without one by the median of a slice", () => {
    const noisy = around(1.02, 0.05);
    const both = changed(around(1, 0.001)).map(({ base, head }, i) =>
      pair({ ...base, "total.p50": 20 }, { ...head, "total.p50": 20 * (noisy[i] ?? 1) }),
    );
    expect(verdictOf(both, "total.p50")).toEqual(["unclear", "same"]);
    const old = both.map(({ base: { "total.p2": _, ...base }, head: { "total.p2": __, ...head } }) =>
      pair(base, head),
    );
    expect(verdictOf(old, "total.p50")).toEqual(["unclear", "insufficient"]);
    expect(comparePairs(old, LIMIT).figures[0]?.decides).toBe(true);
  });

  it("is a regression also where another figure alone is worse, and where what decides is unclear", () => {
    const tail = changed(around(1, 0.001)).map(({ base, head }) =>
      pair({ ...base, "total.p95": 20 }, { ...head, "total.p95": 30 }),
    );
    expect(verdictOf(tail, "total.p95")).toEqual(["regress", "regress"]);
    const unclear = tail.map(({ base, head }, i) =>
      pair({ ...base, "total.p2": 10 }, { ...head, "total.p2": i % 2 === 0 ? 5 : 20 }),
    );
    expect(verdictOf(unclear)).toEqual(["unclear", "regress"]);
  });
});

describe("what is known without noise", () => {
  const found = (recall: number, lost = 0): SliceFigures => ({ "total.p2": 10, recall, lost });

  it("is judged as it is, of however few pairs", () => {
    const pairs = [pair(found(0.9), found(0.8)), pair(found(0.9), found(0.8))];
    const exact = exactFigures(pairs);
    expect(exact).toEqual({ base: { recall: 0.9 }, head: { recall: 0.8 }, isExact: true });
    const { figures, verdict } = comparePairs(pairs, LIMIT, exact);
    expect(verdict).toBe("regress");
    expect(figures.find(({ figure }) => figure === "recall")).toMatchObject({
      ...{ base: 0.9, head: 0.8, value: 0.8 / 0.9, low: 0.8 / 0.9, confidence: 1, verdict: "regress" },
    });
  });

  it.each([
    ["a frame was lost", [pair(found(0.9), found(0.8)), pair(found(0.9), found(0.8, 0.1))]],
    ["slices of one side differ", [pair(found(0.9), found(0.8)), pair(found(0.9), found(0.81))]],
  ])("is not where %s", (_, pairs) => {
    expect(exactFigures(pairs).base).not.toHaveProperty("recall");
    expect(verdictOf(pairs, "recall")).toEqual(["unclear", "insufficient"]);
  });

  it("is unclear, and nothing to call the same, where it is of whole runs that did not see the same frames", () => {
    const whole = { base: { recall: 0.9 }, head: { recall: 0.5 }, isExact: false };
    const { figures, verdict } = comparePairs(changed(around(1, 0.001)), LIMIT, whole);
    expect(figures[1]).toMatchObject({
      figure: "recall",
      base: 0.9,
      head: 0.5,
      low: null,
      verdict: "unclear",
    });
    expect(verdict).toBe("insufficient");
  });

  it("is nothing of no pairs", () => {
    expect(exactFigures([])).toEqual({ base: {}, head: {}, isExact: true });
  });
});

/** A normal number by the sum of twelve even ones. */
function normal(random: (below: number) => number): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random(1 << 20) / (1 << 20);
  return sum;
}

/** Comparisons of slices of which a third is disturbed by up to twice their time, and each varies by 2 %. */
function simulate(slower: number, rounds: number, pairs: number) {
  const random = seededRandom(42);
  const seen = { regress: 0, same: 0, better: 0, insufficient: 0 };
  const slice = (factor: number): SliceFigures => {
    const disturbed = () => (random(3) === 0 ? 1 + random(1000) / 1000 : 1);
    const low = 10 * factor * (1 + 0.02 * normal(random));
    return {
      "total.p2": low * (random(12) === 0 ? disturbed() : 1),
      "inference.p2": 0.9 * low,
      "total.p50": 1.3 * low * disturbed(),
      "total.p95": 1.6 * low * disturbed() * disturbed(),
      lost: 0,
    };
  };
  for (let round = 0; round < rounds; round++) {
    const drawn = Array.from({ length: pairs }, () => pair(slice(1), slice(1 + slower)));
    seen[comparePairs(drawn, LIMIT).verdict]++;
  }
  return seen;
}

describe("over many comparisons", () => {
  it("hardly ever sees a regression where there is none", () => {
    const { regress, same } = simulate(0, 3000, 16);
    expect(regress).toBeLessThanOrEqual(30);
    expect(same).toBeGreaterThan(2900);
  });

  it("finds twice the limit, and never calls it the same", () => {
    const { regress, same, better } = simulate(0.1, 3000, 16);
    expect(regress).toBeGreaterThan(2850);
    expect(same + better).toBeLessThan(30);
  });

  it("keeps its false alarms below one in a hundred also where noise is all there is", () => {
    const random = seededRandom(9);
    let regress = 0;
    for (let round = 0; round < 5000; round++) {
      const slice = (): SliceFigures => {
        const [a, b, c] = [random(1000) + 1, random(1000) + 1, random(1000) + 1];
        return { "total.p2": a, "inference.p2": b, "total.p50": c, "total.p95": random(1000) + 1 };
      };
      const drawn = Array.from({ length: 16 }, () => pair(slice(), slice()));
      if (comparePairs(drawn, LIMIT).verdict === "regress") regress++;
    }
    expect(regress).toBeLessThanOrEqual(50);
  });
});
