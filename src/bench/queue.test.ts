import { describe, expect, it } from "vitest";
import { nearestRank, SERVICE_SHAPES, simulateQueue } from "../../bench/queue-simulation.mjs";
import { seededRandom } from "../scene/random.js";
import { measured } from "../testing/measured-report.js";

const FPS = 25;
const DURATION_US = 20_000_000;
/** Of the histogram: three significant figures. */
const WITHIN = 0.001;

/** Service times as a worker would log them; a few microseconds off, so that none ends just when a frame is due. */
function serviceTimes(shape: (u: number) => number, load: number): number[] {
  const random = seededRandom(7);
  const meanUs = (load * 1e6) / FPS;
  return Array.from({ length: (DURATION_US / 1e6) * FPS }, () => {
    return Math.round(meanUs * shape((random(2 ** 30) + 0.5) / 2 ** 30)) + 1 + random(7);
  });
}

const CASES = Object.entries(SERVICE_SHAPES).flatMap(([name, shape]) =>
  [0.5, 0.9, 1.3, 2].map((load) => ({ name, load, shape })),
);

describe("a bench and a queue simulated apart from it agree", () => {
  it.each(CASES)("of $name service times at a load of $load", async ({ shape, load }) => {
    const serviceUs = serviceTimes(shape, load);
    const { result } = await measured((n) => serviceUs[n]!, FPS, DURATION_US);
    const { offered, results, dropped } = result.counts;
    const simulated = simulateQueue({ fps: FPS, frames: offered, serviceUs });

    expect(offered).toBe((DURATION_US / 1e6) * FPS);
    expect(results).toBe(simulated.latencyUs.length);
    expect(dropped).toEqual(simulated.dropped === 0 ? {} : { latest_wins: simulated.dropped });
    const total = result.tally.latency.of("total");
    for (const percent of [50, 95, 99]) {
      const exactUs = nearestRank(simulated.latencyUs, percent);
      expect(Math.abs(total.percentileUs(percent) - exactUs)).toBeLessThanOrEqual(WITHIN * exactUs);
    }
    expect(total.summary().max * 1000).toBeCloseTo(Math.max(...simulated.latencyUs), 3);
  });

  it("the loads differ: nothing is dropped at a constant half, about half of all at twice what can be served", () => {
    const dropped = CASES.map(({ shape, load }) => {
      const frames = (DURATION_US / 1e6) * FPS;
      return simulateQueue({ fps: FPS, frames, serviceUs: serviceTimes(shape, load) }).dropped / frames;
    });
    expect(dropped[0]).toBe(0);
    for (const overloaded of [3, 7, 11]) expect(dropped[overloaded]).toBeGreaterThan(0.45);
  });

  it("of a worker that freezes for 2 s: p99 and the largest are a frame that old, what came meanwhile is dropped", async () => {
    const serviceUs = Array.from({ length: 125 }, (_, n) => (n === 50 ? 2_010_003 : 10_003));
    const { result } = await measured((n) => serviceUs[n]!, FPS, 5_000_000);
    const { latency } = result.tally;
    expect(result.counts).toMatchObject({
      offered: 125,
      results: 76,
      inFlight: 0,
      dropped: { latest_wins: 49 },
    });
    expect(latency.summary().total).toMatchObject({ count: 76, p99: 2010.003, max: 2010.003 });
    // Due at 4 s, it waited behind the frozen one until 4.010003 s.
    expect(latency.of("wait").summary().max).toBe(10.003);
    const simulated = simulateQueue({ fps: FPS, frames: 125, serviceUs });
    expect(simulated.dropped).toBe(49);
    expect(nearestRank(simulated.latencyUs, 99)).toBe(2_010_003);
  });
});

describe("the simulated queue", () => {
  it("serves the newest that waits, from its due time on, and drops the older ones", () => {
    // Frames due at 0, 100, 200, 300 ms: the first is served until 250 ms, then the third, then the last.
    const { latencyUs, dropped } = simulateQueue({ fps: 10, frames: 4, serviceUs: [250_000, 30_000, 5_000] });
    expect(latencyUs).toEqual([250_000, 80_000, 5_000]);
    expect(dropped).toBe(1);
  });

  it.each([
    [50, 2],
    [51, 3],
    [99, 4],
    [100, 4],
    [1, 1],
  ])("the %dth percentile of 4, 1, 3, 2 is %d", (percent, expected) => {
    expect(nearestRank([4, 1, 3, 2], percent)).toBe(expected);
  });
});
