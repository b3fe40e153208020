import { afterEach, describe, expect, it } from "vitest";
import { TableWorker, type TableWorkerScript } from "../testing/table-worker.js";
import { aiw, jsonLines } from "./aiw.js";

/** The CLI against a worker that knows only the wire's table. */
let worker: TableWorker | undefined;

afterEach(async () => {
  await worker?.close();
});

async function against(script: TableWorkerScript, command: string, ...args: string[]) {
  worker = await TableWorker.start(script);
  const base = [
    command,
    "--worker",
    `127.0.0.1:${worker.port}`,
    "--model",
    "old.onnx",
    "--source",
    "synthetic:",
  ];
  return aiw([...base, ...args]);
}

describe("aiw with a worker that knows only the wire's table", () => {
  it("runs: model as that worker names it, detections out, no made-up stages", async () => {
    const script: TableWorkerScript = {
      onFrame: (c, f) => c.result(f, [{ cls: "dog", conf: 0.75, bbox: { x: 1, y: 2, w: 30, h: 40 } }]),
    };
    const { code, stdout, stderr } = await against(script, "run", "--frames", "3", "--conf", "0.5");
    expect(code, stderr).toBe(0);
    const records = jsonLines(stdout);
    expect(records.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(records[0]).toMatchObject({
      latency_ms: { total: expect.any(Number), wait: expect.any(Number), inference: null, transport: null },
      detections: [{ class: "dog", class_id: 1, confidence: 0.75, box: { x: 1, y: 2, w: 30, h: 40 } }],
    });
    expect(worker?.received[0]?.req.init).toMatchObject({ model_path: "old.onnx", conf_threshold: 0.5 });
    await worker?.whenReceived((message) => message.req?.end !== undefined);
  });

  it("benches, and leaves out what that worker does not report", async () => {
    const args = ["--fps", "20", "--duration", "1s", "--warmup", "500ms", "--json", "-"];
    const { code, stdout, stderr } = await against({}, "bench", ...args);
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout);
    expect(report.frames).toMatchObject({ offered: 20, errors: 0, in_flight: 0 });
    expect(report.latency_ms.inference.count).toBe(0);
    expect(report.latency_ms.total.count).toBe(report.frames.results);
    expect(report.resources.worker_rss_mb).toBeNull();
  });

  it("reports an Error without a seq as one about the frame, and goes on after its Ready", async () => {
    let frames = 0;
    const script: TableWorkerScript = {
      onFrame(c, f) {
        if (++frames !== 2) return c.result(f);
        c.sendResponse({ error: { code: 7, message: "cannot read this frame" } });
        c.sendResponse({ ready: { seq: f.seq } });
      },
    };
    const { code, stdout } = await against(script, "run", "--frames", "3");
    expect(code).toBe(0);
    const records = jsonLines(stdout);
    expect(records.map((record) => "error" in record)).toEqual([false, true, false]);
    expect(records[1].error.message).toBe("cannot read this frame");
  });

  it("sends it RGB by itself, and says at once what it does not take", async () => {
    const { code, stderr } = await against({}, "run", "--frames", "1");
    expect(code, stderr).toBe(0);
    expect(worker?.received.find(({ req }) => req?.frame)?.req.frame).toMatchObject({ pix_fmt: "RGB" });
    await worker?.close();
    const refused = await against({}, "run", "--frames", "1", "--pixel-format", "jpeg");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("error USAGE: --pixel-format jpeg: the worker takes RGB");
    expect(worker?.received.some(({ req }) => req?.frame)).toBe(false);
  });

  it("runs on over cuts: each costs the frame in flight, and another connection begins with the same Init", async () => {
    let frames = 0;
    const script: TableWorkerScript = {
      onFrame: (c, f) => (++frames % 4 === 0 ? c.socket.destroy() : c.result(f)),
    };
    const { code, stdout, stderr } = await against(script, "run", "--frames", "10", "--conf", "0.5");
    expect(code, stderr).toBe(0);
    expect(jsonLines(stdout).map(({ seq }) => seq)).toEqual([1, 2, 3, 5, 6, 7, 9, 10]);
    expect(stderr).toContain("10 frames: 8 results, 0 errors, 2 dropped (disconnected 2)");
    expect(stderr.match(/^aiw: warning: .* connection.*; trying for 60 s to reach it again$/gm)).toHaveLength(
      2,
    );
    expect(stderr).toContain("the link to the worker was lost and came back 2 times\n");
    const inits = worker?.received.flatMap(({ req }) => req?.init ?? []) ?? [];
    expect(inits).toEqual(Array(3).fill(inits[0]));
  });

  it("says that a bench lost it when it goes in mid-run, with the report of what was measured", async () => {
    let frames = 0;
    const script: TableWorkerScript = {
      onFrame: (c, f) => (++frames < 15 ? c.result(f) : c.socket.destroy()),
    };
    const args = ["--fps", "10", "--duration", "60s", "--warmup", "0s", "--json", "-"];
    const { code, stdout, stderr } = await against(script, "bench", ...args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/aiw: error WORKER_LOST: the worker at 127\.0\.0\.1:\d+ closed the connection/);
    const { frames: counts, ended_early: early } = JSON.parse(stdout);
    expect(counts).toMatchObject({ results: 14, in_flight: 0, dropped: { disconnected: 1 } });
    expect(early).toContain("closed the connection");
  });
});
