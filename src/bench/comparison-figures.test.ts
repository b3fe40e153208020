import { describe, expect, it } from "vitest";
import { measured, reportOf } from "../testing/measured-report.js";
import { type Comparable, comparableSchema } from "./comparable.js";
import { figuresOf, pairsOfStored } from "./comparison-figures.js";

/** As a file brings it. */
async function stored(
  serviceUs: (n: number) => number,
  fps = 10,
  durationUs = 32_000_000,
): Promise<Comparable> {
  const { result } = await measured(serviceUs, fps, durationUs);
  return comparableSchema.parse(JSON.parse(JSON.stringify(reportOf(result, fps))));
}

describe("the figures of a slice", () => {
  it("are those of its report", async () => {
    const report = await stored((n) => 10_000 + 100 * (n % 50), 10, 10_000_000);
    const figures = figuresOf({ ...report, truth: { recall: 0.5, precision: null } });
    expect(figures).toMatchObject({ lost: 0, recall: 0.5 });
    expect(figures).not.toHaveProperty("precision");
    expect(figures["total.p2"]).toBe(report.distribution?.latency_ms.total[2]);
    expect(figures["total.p2"]).toBeCloseTo(10, 1);
    expect(figures["inference.p2"]).toBeCloseTo(9, 1);
    expect(figures["total.p50"]).toBe(report.latency_ms.total.p50);
    expect(figures["total.p95"]).toBe(report.latency_ms.total.p95);
  });

  it("count dropped frames and errors as lost", async () => {
    const report = await stored(() => 10_000);
    const frames = { ...report.frames, offered: 100, errors: 3, dropped: { latest_wins: 4, source_late: 1 } };
    expect(figuresOf({ ...report, frames }).lost).toBe(0.08);
  });

  it("are fewer of an older report, and of one without a result", async () => {
    const { distribution: _, ...old } = await stored(() => 10_000);
    expect(Object.keys(figuresOf(old))).toEqual(["total.p50", "total.p95", "lost"]);
    const none = { ...old.latency_ms.total, count: 0, p50: 0 };
    expect(Object.keys(figuresOf({ ...old, latency_ms: { total: none } }))).toEqual(["lost"]);
  });
});

describe("stored reports", () => {
  it("are cut into parts", async () => {
    // The second half is slower: 160 frames at 10 ms, 160 at 20 ms.
    const base = await stored((n) => (n < 160 ? 10_000 : 20_000));
    const head = await stored(() => 20_000);
    const cut = pairsOfStored(base, head);
    expect(cut?.sliceS).toBeCloseTo(2, 6);
    expect(cut?.pairs).toHaveLength(16);
    expect(cut?.pairs.map(({ base: { "total.p50": p50 } }) => p50)).toEqual([
      ...Array<number>(8).fill(10),
      ...Array<number>(8).fill(20),
    ]);
    expect(cut?.pairs[0]).toEqual({
      first: "base",
      base: { "total.p2": 10, "inference.p2": 9, "total.p50": 10, "total.p95": 10, lost: 0 },
      head: { "total.p2": 20, "inference.p2": 19, "total.p50": 20, "total.p95": 20, lost: 0 },
    });
  });

  it("have what was lost in each slice", async () => {
    // One frame at a time, of 300 ms at 10 fps: two of three are dropped.
    const slow = await stored(() => 300_000, 10, 60_000_000);
    const [first] = pairsOfStored(slow, slow)?.pairs ?? [];
    expect(first?.base.lost).toBeGreaterThan(0.55);
    expect(first?.base.lost).toBeLessThan(0.75);
  });

  it("are cut into fewer slices where there are few frames, and into none where they have no parts", async () => {
    const [long, short] = [await stored(() => 10_000), await stored(() => 10_000, 10, 5_000_000)];
    expect(pairsOfStored(long, short)?.pairs).toHaveLength(5);
    expect(pairsOfStored(long, await stored(() => 10_000, 10, 1_000_000))).toBeUndefined();
    const { parts: _, ...old } = long;
    expect(pairsOfStored(old, long)).toBeUndefined();
  });
});
