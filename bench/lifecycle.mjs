// What a worker gives back when its last client is gone, and what another client's reload costs a client at its work.
//
//   node bench/lifecycle.mjs --model ../shared/models/yolo11s-random-dynamic.onnx
//   node bench/lifecycle.mjs --cycles 3 --rounds 2 --seconds 20 --fps 2
//
// First `--cycles` times: a client comes, has 20 frames detected and ends; after the idle timeout of 3 s the models go.
// Resident memory is read of a fresh worker, with the model, and after it; the last is to be within 60 MB of the first
// each time. Then rounds of A B B A: a client is answered at a steady rate, alone (A) or while another changes its
// input between 320x320 and 640x640 every 3 s, a hot reload each (B). Prints the times of reloads, and the waits of the
// first client's frames; of B those that met a reload, and the others. The other client sends no frames, so that what
// is left is the processor time of loading and of the first run. Needs a model with a free input size,
// Linux and a built CLI (npm ci). Ends with 1 when memory is not returned.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, resolve as absolute } from "node:path";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { setTimeout as after } from "node:timers/promises";
import { parseArgs } from "node:util";
import { WorkerClient } from "../dist/index.js";
import { AIW, columns, processFigures, workerOf } from "./kit.mjs";

const MOST_LEFT_MB = 60;
const FRAMES = 20;
const RELOAD_EVERY_MS = 3000;
const SIDES = [320, 640];
const SIZE = { width: 640, height: 480 };
const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: "../shared/models/yolo11s-random-dynamic.onnx" },
    cycles: { type: "string", default: "3" },
    rounds: { type: "string", default: "2" },
    seconds: { type: "string", default: "20" },
    fps: { type: "string", default: "2" },
  },
});
const model = absolute(options.model);
const data = Buffer.alloc(SIZE.width * SIZE.height * 3, 114);

const worker = spawn(
  process.execPath,
  [AIW, "worker", "--port", "0", "--model-dir", dirname(model), "--idle-timeout", "3"],
  { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, AIW_TOKEN: undefined } },
);
const log = createInterface(worker.stderr);
const [line] = await once(createInterface(worker.stdout), "line");
const port = Number(/:(\d+)$/.exec(line)?.[1]);
const pid = workerOf(worker.pid);
const rssMb = () => processFigures(pid).rssMb;

async function connect(side = 0) {
  const client = await WorkerClient.connect({ host: "127.0.0.1", port });
  const begun = performance.now();
  await init(client, side);
  return { client, initMs: performance.now() - begun };
}

async function init(client, side) {
  await client.init({ modelPath: model, width: side, height: side });
}

/** Milliseconds until the answer. */
async function detect(client, seq) {
  const answered = new Promise((resolve) => {
    const stop = client.onResult((answer) => {
      stop();
      resolve(answer);
    });
  });
  const begun = performance.now();
  client.sendFrame({ seq, data, ...SIZE, format: "rgb24", dueUs: 0, wallMs: Date.now(), release() {} });
  const { outcome } = await answered;
  if ("error" in outcome) throw outcome.error;
  return performance.now() - begun;
}

function said(words) {
  return new Promise((resolve) => {
    const look = (text) => {
      if (!text.includes(words)) return;
      log.off("line", look);
      resolve();
    };
    log.on("line", look);
  });
}

async function cycle() {
  const { client, initMs } = await connect();
  for (let seq = 1; seq <= FRAMES; seq += 1) await detect(client, seq);
  const loadedMb = rssMb();
  const returned = said("memory returned");
  await client.shutdown();
  const again = await connect();
  await again.client.shutdown();
  await returned;
  return { initMs, againMs: again.initMs, loadedMb, afterMb: rssMb() };
}

/** When each frame of a client began and was answered; it offers them at a steady rate, one at a time. */
async function steady(client, isOver) {
  const spans = [];
  const begun = performance.now();
  for (let seq = 1; !isOver(); seq += 1) {
    const dueMs = begun + (seq * 1000) / Number(options.fps);
    await after(Math.max(0, dueMs - performance.now()));
    const fromMs = performance.now();
    await detect(client, seq);
    spans.push({ fromMs, toMs: performance.now() });
  }
  return spans;
}

async function turn(reloads) {
  const { client } = await connect();
  const other = reloads ? (await connect(SIDES[0])).client : undefined;
  for (let seq = 1; seq <= FRAMES; seq += 1) await detect(client, seq);
  const endMs = performance.now() + Number(options.seconds) * 1000;
  const frames = steady(client, () => performance.now() >= endMs);
  const loads = [];
  for (let n = 1; other !== undefined && performance.now() < endMs; n += 1) {
    const fromMs = performance.now();
    await init(other, SIDES[n % 2]);
    loads.push({ fromMs, toMs: performance.now() });
    await after(Math.max(0, fromMs + RELOAD_EVERY_MS - performance.now()));
  }
  const spans = await frames;
  await Promise.all([client.shutdown(), other?.shutdown()]);
  const met = (frame) => loads.some((load) => load.fromMs < frame.toMs && frame.fromMs < load.toMs);
  return {
    during: lengths(spans.filter((frame) => met(frame))),
    others: lengths(spans.filter((frame) => !met(frame))),
    reloadsMs: lengths(loads),
  };
}

function lengths(spans) {
  return spans.map(({ fromMs, toMs }) => toMs - fromMs);
}

function quantile(values, share) {
  return values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1];
}

const cycles = [["cycle", "fresh MB", "with model", "after", "load ms", "back in time ms"]];
const seen = { alone: [], during: [], between: [], reloads: [] };
const left = [];
try {
  const freshMb = rssMb();
  for (let n = 1; n <= Number(options.cycles); n += 1) {
    const { initMs, againMs, loadedMb, afterMb } = await cycle();
    left.push(afterMb - freshMb);
    cycles.push([n, ...[freshMb, loadedMb, afterMb, initMs, againMs].map((value) => value.toFixed(0))]);
  }
  for (let n = 0; n < Number(options.rounds); n += 1) {
    for (const beside of [false, true, true, false]) {
      const { during, others, reloadsMs } = await turn(beside);
      seen[beside ? "between" : "alone"].push(...others);
      seen.during.push(...during);
      seen.reloads.push(...reloadsMs);
    }
  }
} finally {
  worker.kill("SIGTERM");
  await once(worker, "exit");
}
console.log(columns(cycles));
console.log(`left of a model: at most ${Math.max(...left).toFixed(0)} MB`);
const rows = Object.entries({
  "frames alone": seen.alone,
  "frames that met a reload": seen.during,
  "frames between reloads": seen.between,
  reloads: seen.reloads,
}).map(([name, ms]) => [
  name,
  ms.length,
  ...[0.5, 0.95, 1].map((share) => (ms.length > 0 ? quantile(ms, share).toFixed(0) : "-")),
]);
console.log(columns([["ms", "count", "p50", "p95", "longest"], ...rows]));
process.exitCode = Math.max(...left) > MOST_LEFT_MB ? 1 : 0;
