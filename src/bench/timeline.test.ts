import { describe, expect, it } from "vitest";
import { AiwError } from "../core/errors.js";
import type { FrameOutcome } from "../results/frame-outcome.js";
import { TimelineRecorder } from "./timeline.js";

const BASE = { seq: 1, origin: { source: "test", width: 2, height: 2 }, dueUs: 0, wallMs: 0 };

function result(total: number, inference: number | null = total - 3000): FrameOutcome {
  const stage = inference === null ? null : 600;
  const others = { transport: stage, queue: stage, preprocess: stage, postprocess: stage };
  const latency = { total, wait: 600, inference, ...others };
  return { ...BASE, sent: { width: 2, height: 2 }, latency, detections: [], usage: undefined };
}

const error: FrameOutcome = { ...BASE, error: new AiwError("WORKER_REFUSED", "x") };

describe("timeline", () => {
  it("counts each frame in the slice in which it was due, the empty slices too", () => {
    const recorder = new TimelineRecorder();
    for (const total of [10_000, 30_000, 20_000]) recorder.add(result(total), 10_000);
    recorder.add(error, 130_000);
    recorder.drop("latest_wins", 249_999);
    recorder.drop("latest_wins", 250_000);
    recorder.drop("source_late", 260_000);
    const { interval_s, offered, results, errors, dropped, latency_ms } = recorder.timeline(625_000);
    expect(interval_s).toBe(0.125);
    expect(offered).toEqual([3, 2, 2, 0, 0]);
    expect(results).toEqual([3, 0, 0, 0, 0]);
    expect(errors).toEqual([0, 1, 0, 0, 0]);
    expect(dropped).toEqual({ latest_wins: [0, 1, 1, 0, 0], source_late: [0, 0, 1, 0, 0] });
    expect(latency_ms.total).toEqual({
      mean: [20, null, null, null, null],
      p50: [20, null, null, null, null],
      p95: [30, null, null, null, null],
      max: [30, null, null, null, null],
    });
    expect(latency_ms.inference.mean).toEqual([17, null, null, null, null]);
    expect(latency_ms.wait.mean[0]).toBe(0.6);
  });

  it("says nothing of stages that were not reported", () => {
    const recorder = new TimelineRecorder();
    recorder.add(result(10_000, null), 0);
    const { latency_ms } = recorder.timeline(125_000);
    expect(latency_ms.inference.mean).toEqual([null]);
    expect(latency_ms.total.mean).toEqual([10]);
  });

  it("makes two slices one as often as the run outgrows them, and loses nothing", () => {
    const recorder = new TimelineRecorder();
    const frames = 12 * 3600;
    for (let i = 0; i < frames; i++) {
      const dueUs = Math.round((i * 1e6) / 12);
      if (i % 10 === 0) recorder.drop("latest_wins", dueUs);
      else recorder.add(result(10_000 + (i % 7) * 1000), dueUs);
    }
    const { interval_s, offered, results, dropped, latency_ms } = recorder.timeline(3600e6);
    expect(interval_s).toBe(16);
    expect(offered).toHaveLength(225);
    expect(offered.every((n) => n === 12 * 16)).toBe(true);
    const total = (values: readonly number[] = []) => values.reduce((sum, n) => sum + n, 0);
    expect(total(dropped.latest_wins)).toBe(frames / 10);
    expect(total(results)).toBe(frames * 0.9);
    expect(latency_ms.total.max.every((ms) => ms === 16)).toBe(true);
    expect(latency_ms.total.p50.every((ms) => ms === 13)).toBe(true);
  });

  it("has the percentiles of longer parts, over all the frames of each", () => {
    const recorder = new TimelineRecorder();
    // 40 % of the frames of each second are slow: every short slice has p50s that say nothing of that.
    for (let i = 0; i < 600; i++) {
      const dueUs = Math.round((i * 1e6) / 20);
      if (i % 20 === 19) recorder.drop("latest_wins", dueUs);
      else recorder.add(result(i % 5 < 2 ? 60_000 : 20_000 + i), dueUs);
    }
    const { length_s, offered, lost, latency_ms } = recorder.parts(30e6);
    expect(length_s).toBe(1.875);
    expect(offered).toHaveLength(16);
    expect(offered.reduce((sum, n) => sum + n, 0)).toBe(600);
    expect(lost.reduce((sum, n) => sum + n, 0)).toBe(30);
    expect(latency_ms.total.p50[0]).toBe(20.033);
    expect(latency_ms.total.p2[0]).toBe(20.002);
    expect(latency_ms.inference.p2[0]).toBe(17.002);
    expect(latency_ms.total.p95.every((ms) => ms === 60)).toBe(true);
  });

  it("is one part where there are few frames, and says nothing of what was not reported", () => {
    const recorder = new TimelineRecorder();
    recorder.add(result(10_000, null), 0);
    expect(recorder.parts(1e6)).toEqual({
      length_s: 1,
      offered: [1],
      lost: [0],
      latency_ms: { total: { p2: [10], p50: [10], p95: [10] }, inference: { p2: [null] } },
    });
  });

  it("takes a frame of a camera that was captured before the start as of the first slice", () => {
    const recorder = new TimelineRecorder();
    recorder.add(result(10_000), -5000);
    expect(recorder.timeline(0).results).toEqual([1]);
  });
});
