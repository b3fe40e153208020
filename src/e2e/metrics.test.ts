import { createServer } from "node:http";
import { connect } from "node:net";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { seriesOf } from "../sinks/metrics/testing.js";
import { TableWorker } from "../testing/table-worker.js";
import { aiw, jsonLines, type Running, startAiw } from "./aiw.js";
import { scratchFolder } from "./scratch-folder.js";

const { file } = scratchFolder("metrics");
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A run of the scene on a worker that finds a cat in each frame. */
async function setUp() {
  const worker = await TableWorker.start({
    onFrame: (connection, frame) =>
      connection.result(frame, [{ cls: "cat", conf: 0.5, bbox: { x: 1, y: 1, w: 2, h: 2 } }]),
  });
  cleanups.push(() => worker.close());
  const config = file("empty.yaml", "");
  const run = ["run", "--config", config, "--worker", `127.0.0.1:${worker.port}`, "--model", "m.onnx"];
  return { worker, run: [...run, "--source", "synthetic:"] };
}

async function urlOf(running: Running): Promise<string> {
  const [, url = ""] = await running.says(/^aiw: metrics at (http:\/\/.*)\/metrics$/m);
  return url;
}

const scrape = async (url: string) => seriesOf(await (await fetch(`${url}/metrics`)).text());

describe("aiw run --metrics", () => {
  it("serves figures that move, beside idle connections, and ends with the run", async () => {
    const { run } = await setUp();
    const running = startAiw([...run, "--metrics", "127.0.0.1:0"]);
    const url = await urlOf(running);
    await running.sees(/\n/);
    const before = await scrape(url);
    expect(await (await fetch(`${url}/healthz`)).text()).toBe("ok\n");
    expect(await (await fetch(`${url}/readyz`)).text()).toMatch(/^ready: synthetic:: a frame was processed/);
    const { port } = new URL(url);
    const idle = Array.from({ length: 100 }, () => connect(Number(port), "127.0.0.1"));
    for (const socket of idle) socket.on("error", () => {});
    cleanups.push(() => idle.forEach((socket) => socket.destroy()));
    await running.sees(/^(?:.*\n){5}/);
    const after = await scrape(url);
    for (const name of [
      'ai_frames_offered_total{camera="synthetic:"}',
      'ai_frames_sent_total{camera="synthetic:"}',
      'ai_results_total{camera="synthetic:"}',
      'ai_result_latency_ms_count{camera="synthetic:"}',
      'ai_detections_total{camera="synthetic:",class="cat"}',
    ]) {
      expect(after.get(name), name).toBeGreaterThan(before.get(name) ?? 0);
    }
    expect(Object.fromEntries(after)).toMatchObject({
      'ai_init_ok_total{camera="synthetic:"}': 1,
      'ai_reconnects_total{camera="synthetic:"}': 0,
      'ai_worker_link_state{camera="synthetic:",state="linked"}': 1,
      ai_ready: 1,
    });
    running.child.kill("SIGINT");
    const { code, stderr, stdout } = await running.finished;
    expect(code).toBe(130);
    expect(stderr).not.toContain("aiw: error");
    expect(() => jsonLines(stdout)).not.toThrow();
  });

  it("comes to its own end while it is being scraped", async () => {
    const { run } = await setUp();
    const running = startAiw([...run, "--frames", "10", "--metrics", "127.0.0.1:0"]);
    const url = await urlOf(running);
    let isOver = false;
    const scraping = (async () => {
      while (!isOver) await scrape(url).catch(() => {});
    })();
    const { code, stdout } = await running.finished;
    isOver = true;
    await scraping;
    expect(code).toBe(0);
    expect(jsonLines(stdout)).toHaveLength(10);
  });

  it("counts a worker that was lost and is there again", async () => {
    const { run, worker } = await setUp();
    const running = startAiw([...run, "--metrics", "127.0.0.1:0"]);
    const url = await urlOf(running);
    await running.sees(/\n/);
    for (const { socket } of worker.connections) socket.destroy();
    await running.says(/the worker is back/);
    expect(Object.fromEntries(await scrape(url))).toMatchObject({
      'ai_reconnects_total{camera="synthetic:"}': 1,
      'ai_init_ok_total{camera="synthetic:"}': 2,
    });
    running.child.kill("SIGINT");
    expect((await running.finished).code).toBe(130);
  });

  it("ends before anything is streamed where its port is taken", async () => {
    const { run, worker } = await setUp();
    const other = createServer().listen(0, "127.0.0.1");
    cleanups.push(() => other.close());
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    const { code, stdout, stderr } = await aiw([...run, "--metrics", `127.0.0.1:${port}`]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe(
      `aiw: error LISTEN_FAILED: metrics can't be served at 127.0.0.1:${port} (another program listens there). Give another HOST:PORT; port 0 takes a free one.\n`,
    );
    expect(worker.connections).toEqual([]);
  });

  it.each([
    ["", '--metrics "" is not HOST:PORT, such as "127.0.0.1:9464" or "[::1]:9464", with a port up to 65535'],
    [
      "9464",
      '--metrics "9464" is not HOST:PORT, such as "127.0.0.1:9464" or "[::1]:9464", with a port up to 65535',
    ],
  ])("refuses %j", async (value, message) => {
    const { code, stderr } = await aiw(["run", "--source", "synthetic:", "--metrics", value]);
    expect(code).toBe(2);
    expect(stderr).toBe(`aiw: error USAGE: ${message}. See --help.\n`);
  });

  it("warns once of a network that can read them, and takes the last of two, as all flags do", async () => {
    const { run } = await setUp();
    const twice = ["--metrics", "127.0.0.1:1", "--metrics", "0.0.0.0:0"];
    const { code, stderr } = await aiw([...run, "--frames", "1", ...twice]);
    expect(code).toBe(0);
    expect(stderr.match(/^aiw: warning: .*$/gm)).toEqual([
      expect.stringMatching(
        /^aiw: warning: --metrics 0\.0\.0\.0:\d+ is not loopback: anyone on that network can read the metrics/,
      ),
    ]);
  });

  it("is a key of aiw.yaml", async () => {
    const { run } = await setUp();
    const config = file("metrics.yaml", "metrics: 127.0.0.1:0\n");
    const { code, stderr } = await aiw([...run, "--config", config, "--frames", "1"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^aiw: metrics at http:\/\/127\.0\.0\.1:\d+\/metrics$/m);
  });
});
