import { chmodSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { aiw, type Running, startAiw } from "./aiw.js";
import { scratchFolder } from "./scratch-folder.js";

const { file } = scratchFolder("observed");
const CONFIG = file("empty.yaml", "");
const MODEL = fileURLToPath(new URL("../../worker/models/synthetic.onnx", import.meta.url));
const WORKER = ["worker", "--port", "0", "--config", CONFIG, "--model-dir", dirname(MODEL)];

const started: Running[] = [];
afterEach(async () => {
  for (const one of started.splice(0)) {
    one.child.kill("SIGTERM");
    await one.finished;
  }
});

describe("aiw worker --metrics", () => {
  it("counts the frames that a run sends, and is ready", async () => {
    const worker = startAiw([...WORKER, "--metrics", "127.0.0.1:0", "--log-format", "json"]);
    started.push(worker);
    const [, address = ""] = await worker.sees(/listening on (127\.0\.0\.1:\d+)/);
    const [, line = ""] = await worker.says(/^(\{.*"metrics are served"\})$/m);
    const { url, ...entry } = JSON.parse(line) as { url: string };
    expect(entry).toMatchObject({ level: 30, name: "aiw-worker", pid: expect.any(Number) });
    const source = ["--model", MODEL, "--source", "synthetic:", "--frames", "5"];
    expect((await aiw(["run", "--config", CONFIG, "--worker", address, ...source])).code).toBe(0);
    const text = await (await fetch(url)).text();
    expect(text).toMatch(/^frames_processed_total 5\.0$/m);
    expect(text).toMatch(/^inference_time_ms_bucket\{le="\+Inf"\} 5\.0$/m);
    expect((await fetch(new URL("/readyz", url))).status).toBe(200);
  });

  it("does not start where the address is none", async () => {
    const { code, stdout, stderr } = await aiw([...WORKER, "--metrics", "9101"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("--metrics is '9101'; it must be HOST:PORT");
  });
});

describe("a token file that others may use", () => {
  it.runIf(process.platform === "linux")("is one warning of the worker and one of the client", async () => {
    const token = file("token", "S3CR3T-t0ken\n");
    chmodSync(token, 0o644);
    const worker = startAiw([...WORKER, "--token-file", token]);
    started.push(worker);
    const [, address = ""] = await worker.sees(/listening on (127\.0\.0\.1:\d+)/);
    const source = ["--model", MODEL, "--source", "synthetic:", "--frames", "1", "--token-file", token];
    const run = await aiw(["run", "--config", CONFIG, "--worker", address, ...source]);
    expect(run.code, run.stderr).toBe(0);
    worker.child.kill("SIGTERM");
    for (const { stderr } of [run, await worker.finished]) {
      expect(stderr.split("\n").filter((line) => line.includes(`say: chmod 600 ${token}`))).toHaveLength(1);
      expect(stderr).not.toContain("S3CR3T");
    }
  });
});
