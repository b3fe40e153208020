import { type Measurement, measure, type MeasureOptions } from "../bench/measure.js";
import { benchReport } from "../bench/report.js";
import type { BenchReport } from "../bench/report-schema.js";
import { Emitter } from "../core/emitter.js";
import type { AiwError } from "../core/errors.js";
import { Feed } from "../pipeline/feed.js";
import type { FrameAnswer, FrameSink, OutgoingFrame } from "../pipeline/frame-sink.js";
import type { FrameSource } from "../source/frame-source.js";
import { blankFrame } from "./blank-frame.js";
import { ManualClock } from "./manual-clock.js";

/** Takes `serviceUs(n)` for the n-th frame, of which 1 ms is not inference. */
export class ServiceSink implements FrameSink {
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

export const BLANK_SOURCE: FrameSource = {
  name: "test",
  live: false,
  format: "rgb24",
  rateFps: null,
  async *frames() {
    for (;;) yield blankFrame();
  },
  close: async () => {},
};

/** Moves the clock until the run has ended. */
export async function play<T>(clock: ManualClock, run: Promise<T>): Promise<T> {
  const state = { ended: false };
  const done = run.finally(() => {
    state.ended = true;
  });
  while (!state.ended) await clock.advanceBy(1_000);
  return done;
}

/** What is measured of a worker that takes `serviceUs(n)` for its n-th frame, under a clock of its own. */
export async function measured(
  serviceUs: (n: number) => number,
  fps: number,
  durationUs: number,
  options: Pick<MeasureOptions, "gates"> = {},
): Promise<{ result: Measurement; clock: ManualClock }> {
  const clock = new ManualClock(0);
  const sink = new ServiceSink(clock, serviceUs);
  const result = await play(
    clock,
    measure({
      feed: new Feed(BLANK_SOURCE, clock),
      sink,
      clock,
      pace: { kind: "paced", fps },
      limits: { durationUs },
      usage: () => ({ cpuUs: clock.nowUs() / 100, rssBytes: 90e6, sourceCpuUs: null }),
      drain: (stream) => stream.whenIdle(),
      interrupt: new AbortController().signal,
      ...options,
    }),
  );
  return { result, clock };
}

/** The report of it. */
export function reportOf(result: Measurement, fps = 10): BenchReport {
  const environment = {
    ...{ aiw: "1", cpu: "cpu", cores: 2, memory_mb: 1, os: "os", node: "v20" },
    ...{ worker: "1", runtime: "onnxruntime 1", model: "m.onnx", model_id: "ab", family: "yolo11" },
    ...{ input_shape: [1, 3, 64, 64], engine: "onnxruntime", provider: "CPU", threads: 2, warnings: [] },
  };
  const settings = {
    ...{ source: "test", fps, duration_s: result.durationUs / 1e6, warmup_s: 0, size: "native" },
    ...{ pixel_format: "rgb24", conf: 0.35, iou: 0.45, classes: [], worker: null },
  };
  const warm = { durationUs: 0, results: 0, settled: false };
  return benchReport({ time: "2026-01-01T00:00:00.000Z", environment, settings }, warm, result, undefined);
}
