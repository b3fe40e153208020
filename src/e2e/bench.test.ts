import { describe, expect, it } from "vitest";
import { aiw, hasShared, type Json, media, model } from "./aiw.js";

function expectLedger({ frames, drop_rate }: Json): void {
  const dropped = Object.values<number>(frames.dropped).reduce((a, b) => a + b, 0);
  expect(frames.offered).toBe(frames.results + frames.errors + frames.in_flight + dropped);
  expect(drop_rate).toBeCloseTo(dropped / frames.offered, 9);
}

describe.skipIf(!hasShared)("aiw bench (skipped without the shared test data)", () => {
  it("reports three bottles a frame, an exact ledger, and stages that add up", async () => {
    const { code, stdout, stderr } = await aiw([
      ...["bench", "--model", model("yolo11n"), "--fps", "4", "--duration", "4s", "--warmup", "1s"],
      ...["--source", media("bottle-detection.mp4"), "--json", "-"],
    ]);
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      schema: "aiw.bench/1",
      frames: { offered: 16, in_flight: 0 },
      verdict: "pass",
    });
    expectLedger(report);
    const { results } = report.frames;
    expect(report.detections.by_class.bottle / results).toBeGreaterThan(2.5);
    expect(report.detections.by_class.bottle / results).toBeLessThan(3.5);
    const { total, ...stages } = report.latency_ms;
    expect(total.count).toBe(results);
    const sum = Object.values<Json>(stages).reduce((a, { mean }) => a + mean, 0);
    expect(Math.abs(sum - total.mean)).toBeLessThan(0.01);
    expect(stderr).toContain("offered");
    expect(stderr).not.toContain("\u001b");
  });

  it("counts what the worker cannot take as dropped by latest-wins, and is done all the same", async () => {
    const { code, stdout } = await aiw([
      ...["bench", "--model", model("yolo11n"), "--fps", "200", "--duration", "2s", "--warmup", "0s"],
      // Small frames, which are drawn faster than they are due.
      ...["--size", "160x120", "--json", "-"],
    ]);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report.frames.offered).toBe(400);
    expect(report.frames.dropped.latest_wins).toBeGreaterThan(200);
    expectLedger(report);
  });
});
