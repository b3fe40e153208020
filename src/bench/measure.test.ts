import { describe, expect, it } from "vitest";
import { Emitter } from "../core/emitter.js";
import type { AiwError } from "../core/errors.js";
import { Feed } from "../pipeline/feed.js";
import type { FrameAnswer, FrameSink, OutgoingFrame } from "../pipeline/frame-sink.js";
import { benchTable } from "../reports/bench-table.js";
import type { FrameSource } from "../source/frame-source.js";
import { ManualClock } from "../testing/manual-clock.js";
import { measure } from "./measure.js";
import { benchReport } from "./report.js";
import { isSettled, warmUp } from "./warm-up.js";

/** Takes `serviceUs(n)` for the n-th frame, of which 1 ms is not inference. */
class ServiceSink implements FrameSink {
  served = 0;
  readonly lost = undefined;
  private busy = false;
  private readonly events = new Emitter<{ result: FrameAnswer; credit: undefined; lost: AiwError }>();

  constructor(
    private readonly clock: ManualClock,
    private readonly serviceUs: (n: number) => number,
  ) {}

  canSend = () => !this.busy;

  sendFrame({ seq }: OutgoingFrame): void {
    const sentAtUs = this.clock.nowUs();
    const serviceUs = this.serviceUs(this.served++);
    this.busy = true;
    this.clock.at(sentAtUs + serviceUs, () => {
      const stages = { queueUs: 100, preprocessUs: 200, inferenceUs: serviceUs - 1000, postprocessUs: 300 };
      const usage = { cpuUs: 5000 * this.served, rssBytes: 200e6 };
      const outcome = {
        detections: [
          { className: "dog", classId: 0, confidence: 1, box: { x: 0, y: 0, w: 1, h: 1 }, trackId: null },
        ],
      };
      this.events.emit("result", { seq, sentAtUs, answeredAtUs: this.clock.nowUs(), outcome, stages, usage });
      this.busy = false;
      this.events.emit("credit", undefined);
    });
  }

  onResult = (listener: (answer: FrameAnswer) => void) => this.events.on("result", listener);
  onCredit = (listener: () => void) => this.events.on("credit", listener);
  onLost = (listener: (error: AiwError) => void) => this.events.on("lost", listener);
}

const SOURCE: FrameSource = {
  name: "test",
  live: false,
  rateFps: null,
  async *frames() {
    const origin = { source: "test", width: 2, height: 2 };
    for (;;) {
      yield {
        data: Buffer.alloc(12),
        width: 2,
        height: 2,
        format: "rgb24",
        origin,
        capturedAtUs: 0,
        release() {},
      };
    }
  },
  close: async () => {},
};

async function play<T>(clock: ManualClock, run: Promise<T>): Promise<T> {
  const state = { ended: false };
  const done = run.finally(() => {
    state.ended = true;
  });
  while (!state.ended) await clock.advanceBy(1_000);
  return done;
}

async function measured(serviceUs: (n: number) => number, fps: number, durationUs: number) {
  const clock = new ManualClock(0);
  const sink = new ServiceSink(clock, serviceUs);
  const result = await play(
    clock,
    measure({
      feed: new Feed(SOURCE, clock),
      sink,
      clock,
      pace: { kind: "paced", fps },
      limits: { durationUs },
      usage: () => ({ cpuUs: clock.nowUs() / 100, rssBytes: 90e6, sourceCpuUs: null }),
      drain: (stream) => stream.whenIdle(),
      interrupt: new AbortController().signal,
    }),
  );
  return { result, clock };
}

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

  it("counts from the due time when the worker freezes: no coordinated omission", async () => {
    const { result } = await measured((n) => (n === 5 ? 1_950_000 : 10_000), 10, 5_000_000);
    expect(result.counts).toMatchObject({ offered: 50, inFlight: 0, dropped: { latest_wins: 18 } });
    expect(result.tally.latency.summary().total.max).toBe(1950);
    // Due at 2.4 s, it waited behind the frozen one until 2.45 s.
    expect(result.tally.latency.of("wait").summary().max).toBe(50);
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
    const environment = {
      ...{
        aiw: "1",
        cpu: "cpu",
        cores: 2,
        memory_mb: 1,
        os: "os",
        node: "v20",
        worker: "1",
        runtime: "onnxruntime 1",
      },
      ...{
        model: "m.onnx",
        model_id: "ab",
        family: "yolo11",
        input_shape: [1, 3, 64, 64],
        engine: "onnxruntime",
      },
      ...{ provider: "CPU", threads: 2 },
    };
    const settings = {
      ...{ source: "test", fps: 10, duration_s: 4, warmup_s: 0, size: "native", pixel_format: "auto" },
      ...{ conf: 0.35, iou: 0.45, classes: [], worker: null },
    };
    const warm = { durationUs: 0, results: 0, settled: false };
    const report = benchReport({ time: "now", environment, settings }, warm, result, undefined);
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
    const feed = new Feed(SOURCE, clock);
    const pace = { kind: "paced", fps: 10 } as const;
    const warm = await play(clock, warmUp(feed, sink, clock, pace, 300_000, new AbortController().signal));
    expect(warm).toMatchObject({ results: 9, settled: true });
  });

  it("gives up after 10 s", async () => {
    const clock = new ManualClock(0);
    const sink = new ServiceSink(clock, (n) => 10_000 + (n % 2) * 40_000);
    const feed = new Feed(SOURCE, clock);
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
