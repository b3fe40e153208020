import { once } from "node:events";
import { connect } from "node:net";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { WorkerClient } from "../index.js";
import { isAlive } from "../worker-process/testing/fakes.js";
import { childrenOf, hasShared, model, startAiw, workerOf } from "./aiw.js";

const MODEL = model("yolox-nano");
const ENDLESS = ["run", "--model", MODEL, "--source", "synthetic:"];

/** The worker's process and what else the CLI has started, once it gives results. */
async function running() {
  const aiw = startAiw(ENDLESS);
  await aiw.sees(/\n.*\n/);
  const children = childrenOf(aiw.child.pid!);
  expect(children).toHaveLength(1);
  return { aiw, worker: children[0]! };
}

describe.skipIf(!hasShared || process.platform !== "linux")(
  "processes (Linux, with the shared test data)",
  () => {
    it("says how the worker ended when it is killed in a bench's warm-up, and exits 1", async () => {
      const bench = startAiw([
        ...[
          "bench",
          "--model",
          MODEL,
          "--fps",
          "10",
          "--warmup",
          "60s",
          "--json",
          "-",
          "--debug",
          "--log-format",
          "json",
        ],
      ]);
      await bench.says(/model loaded/);
      process.kill(workerOf(bench.child.pid!)!, "SIGKILL");
      const { code, stdout, stderr } = await bench.finished;
      expect(stderr).toMatch(/aiw: error WORKER_LOST: the worker process ended \(signal SIGKILL\)/);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    });

    it("ends cleanly at Ctrl-C: whole lines, exit 130, no orphan", async () => {
      const { aiw, worker } = await running();
      aiw.child.kill("SIGINT");
      const { code, stdout, stderr } = await aiw.finished;
      expect(code).toBe(130);
      expect(stderr).toMatch(/^\d+ frames: .*\ntruth: .*\n$/);
      expect(stdout.endsWith("\n")).toBe(true);
      expect(isAlive(worker)).toBe(false);
    });

    it("takes a signal that comes twice at once for one, as from timeout or npx", async () => {
      const { aiw, worker } = await running();
      for (let n = 0; n < 2; n += 1) aiw.child.kill("SIGINT");
      const { code, stderr } = await aiw.finished;
      expect(code).toBe(130);
      expect(stderr).toMatch(/^\d+ frames: .*\ntruth: .*\n$/);
      expect(isAlive(worker)).toBe(false);
    });

    it("stops quietly when the reader of its output has seen enough", async () => {
      const { aiw, worker } = await running();
      aiw.child.stdout?.destroy();
      const { code, stderr } = await aiw.finished;
      expect(stderr).not.toContain("aiw: error");
      expect(code).toBe(0);
      expect(isAlive(worker)).toBe(false);
    });

    it("takes its worker with it when it is killed", async () => {
      const aiw = startAiw(["worker", "--port", "0", "--model-dir", dirname(MODEL)]);
      const port = Number((await aiw.sees(/listening on 127\.0\.0\.1:(\d+)/))[1]);
      const [worker] = childrenOf(aiw.child.pid!);
      const socket = connect(port, "127.0.0.1");
      await once(socket, "connect");
      const closed = once(socket, "close");
      socket.resume();
      aiw.child.kill("SIGKILL");
      // The worker's end of the connection closes when its process ends.
      await closed;
      await aiw.finished;
      expect(worker).toBeGreaterThan(0);
      await expect(once(connect(port, "127.0.0.1"), "connect")).rejects.toMatchObject({
        code: "ECONNREFUSED",
      });
    });

    it("serves the client library: handshake, frames, results, an Error that costs no credit", async () => {
      const aiw = startAiw(["worker", "--port", "0", "--model-dir", dirname(MODEL)]);
      const port = Number((await aiw.sees(/listening on 127\.0\.0\.1:(\d+)/))[1]);
      const client = await WorkerClient.connect({ host: "127.0.0.1", port });
      await expect(client.init({ modelPath: "/etc/hostname" })).rejects.toMatchObject({
        code: "WORKER_REFUSED",
      });
      const info = await client.init({ modelPath: MODEL });
      expect(info).toMatchObject({ family: "yolox", inputShape: [1, 3, 416, 416], engine: "onnxruntime" });
      expect(info.modelId).toMatch(/^[0-9a-f]{64}$/);
      const data = Buffer.alloc(3 * 64 * 48);
      const answers = [];
      for (const bytes of [data.length, data.length - 1, data.length]) {
        if (!client.canSend()) await new Promise<void>((resolve) => void client.onCredit(resolve));
        const answer = new Promise((resolve) => void client.onResult(resolve));
        client.sendFrame({
          ...{
            seq: answers.length + 1,
            data: data.subarray(0, bytes),
            width: 64,
            height: 48,
            format: "rgb24",
          },
          ...{ dueUs: 0, wallMs: 0, release() {} },
        });
        answers.push(await answer);
      }
      expect(answers).toMatchObject([
        { seq: 1, outcome: { detections: [] }, stages: { inferenceUs: expect.any(Number) } },
        { seq: 2, outcome: { error: { code: "WORKER_REFUSED" } } },
        { seq: 3, outcome: { detections: [] } },
      ]);
      await client.shutdown();
      aiw.child.kill("SIGTERM");
      await aiw.finished;
    });
  },
);
