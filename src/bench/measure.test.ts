import { describe, expect, it } from "vitest";
import { Feed } from "../pipeline/feed.js";
import { benchTable } from "../reports/bench-table.js";
import { waitUntil } from "../core/clock.js";
import { ManualClock } from "../testing/manual-clock.js";
import { BLANK_SOURCE, measured, play, reportOf, ServiceSink } from "../testing/measured-report.js";
import { measure } from "./measure.js";
import { benchReportSchema } from "./report-schema.js";
import { isSettled, warmUp } from "./warm-up.js";

describe("measure", () => {
  it("offers exactly the duration's frames and reports what they took", async () => {
    const { result } = await measured(() => 40_000, 10, 2_000_000);
    expect(result.durationUs).toBe(2_000_000);
    expect(result.counts).toMatchObject({ offered: 20, results: 20, inFlight: 0, dropped: {} });
    const { total, inference, transport } = result.tally.latency.summary();
    expect(total).toMatchObject({ count: 20, p50: 40, max: 40 });
    expect(inference.mean).toBe(39);
    expect(transport.mean).toBe(0.4);
  });

  it("is a whole report of a source that ends at once", async () => {
    const clock = new ManualClock(0);
    const empty = { ...BLANK_SOURCE, async *frames() {} };
    const options = {
      ...{ feed: new Feed(empty, clock), sink: new ServiceSink(clock, () => 1), clock },
      ...{ pace: { kind: "paced", fps: 10 } as const, limits: { durationUs: 1e6 } },
      usage: () => ({ cpuUs: 0, rssBytes: 1, sourceCpuUs: null }),
      drain: async () => {},
      interrupt: new AbortController().signal,
    };
    const report = reportOf(await play(clock, measure(options)));
    expect(benchReportSchema.safeParse(JSON.parse(JSON.stringify(report))).error).toBeUndefined();
    expect(report).toMatchObject({
      frames: { offered: 0 },
      fps: { offered: 0, achieved: 0 },
      verdict: "fail",
    });
  });

  it("counts time from the first due time, however long the first frame is waited for", async () => {
    const clock = new ManualClock(0);
    const late = {
      ...BLANK_SOURCE,
      async *frames() {
        await waitUntil(clock, 5_000_000);
        yield* BLANK_SOURCE.frames();
      },
    };
    const options = {
      ...{ feed: new Feed(late, clock), sink: new ServiceSink(clock, () => 10_000), clock },
      ...{ pace: { kind: "paced", fps: 10 } as const, limits: { durationUs: 2e6 } },
      usage: () => ({ cpuUs: 0, rssBytes: 1, sourceCpuUs: null }),
      drain: async () => {},
      interrupt: new AbortController().signal,
    };
    const { durationUs, timeline, stability } = await play(clock, measure(options));
    expect(durationUs).toBe(2_000_000);
    expect(timeline.offered).toHaveLength(16);
    expect(timeline.offered[0]).toBe(2);
    expect(stability.windows.map(({ results }) => results)).toEqual([7, 7, 6]);
  });

  it("judges stability only with enough results, and then by p95 and throughput of three windows", async () => {
    const few = await measured(() => 10_000, 10, 3_000_000);
    expect(few.result.stability.verdict).toBe("not judged");
    const steady = await measured(() => 10_000, 50, 9_000_000);
    expect(steady.result.stability.verdict).toBe("stable");
    const slower = await measured((n) => (n < 300 ? 10_000 : 12_000), 50, 9_000_000);
    expect(slower.result.stability.verdict).toBe("unstable");
  });

  it("becomes a report of the contract's shape and a table that lines up", async () => {
    const { result } = await measured((n) => (n % 4 === 0 ? 150_000 : 10_000), 10, 4_000_000);
    const report = reportOf(result);
    expect(report).toMatchObject({
      schema: "aiw.bench/1",
      frames: { offered: 40, errors: 0, in_flight: 0 },
      fps: { offered: 10 },
      detections: { by_class: { dog: report.frames.results } },
      resources: {
        client_rss_mb: 90,
        worker_rss_mb: 200,
        worker_cpu_ms_per_frame: 5,
        source_cpu_ms_per_frame: null,
      },
      stable: false,
      stability: { verdict: "not judged" },
      gates: [],
      verdict: "pass",
    });
    const { offered, results, errors, in_flight, dropped } = report.frames;
    expect(offered).toBe(results + errors + in_flight + (dropped.latest_wins ?? 0));
    expect(report.drop_rate).toBe((dropped.latest_wins ?? 0) / 40);
    const rows = benchTable(report)
      .split("\n")
      .filter((line) => /^[│┌├└]/.test(line));
    const widths = new Set(rows.map((line) => line.length));
    expect(rows.length).toBeGreaterThan(10);
    expect(widths.size).toBe(2);
  });
});

describe("warmUp", () => {
  it("goes on until three inference times in a row lie within 25 %", async () => {
    const clock = new ManualClock(0);
    const sink = new ServiceSink(clock, (n) => (n < 6 ? 50_000 + (n % 2) * 40_000 : 20_000));
    const feed = new Feed(BLANK_SOURCE, clock);
    const pace = { kind: "paced", fps: 10 } as const;
    const warm = await play(clock, warmUp(feed, sink, clock, pace, 300_000, new AbortController().signal));
    expect(warm).toMatchObject({ results: 9, settled: true });
  });

  it("gives up after 10 s", async () => {
    const clock = new ManualClock(0);
    const sink = new ServiceSink(clock, (n) => 10_000 + (n % 2) * 40_000);
    const feed = new Feed(BLANK_SOURCE, clock);
    const pace = { kind: "paced", fps: 2 } as const;
    const warm = await play(clock, warmUp(feed, sink, clock, pace, 300_000, new AbortController().signal));
    expect(warm).toMatchObject({ results: 20, settled: false });
  });

  it.each([
    [[10, 11, 12], true],
    [[10, 11, 13], false],
    [[10, 10], false],
  ])("%j settled: %s", (times, settled) => {
    expect(isSettled(times)).toBe(settled);
  });
});
