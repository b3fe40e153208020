// Whether clients of one worker are served alike: each sends a frame as soon as the one before is answered.
//
//   node bench/fairness.mjs --model ../shared/models/yolo11n.onnx
//   node bench/fairness.mjs --clients 8 --seconds 10 --rounds 3       the built-in model
//
// A round is four turns: one client alone, all, all beside one that sends and reads none of its answers, one alone
// again. Prints of each turn the p95 of each client's waits and their ratio max/min, and of each round the throughput
// of all over the mean of the two alone. The median ratio is to be at most 1.3, with and without the deaf one, the
// median throughput at least 0.95; else it ends with 1. The worker hangs up on the deaf one 10 s after the system's
// buffers are full, so only turns of 20 s and more see that. Needs a built CLI (npm ci).
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { dirname, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { EMBEDDED_MODEL } from "../dist/cli/default-model.js";
import { WorkerClient } from "../dist/index.js";
import { encodeFrameHeader, encodeInit } from "../dist/wire/codec.js";
import { AIW, columns, median } from "./kit.mjs";

const MOST_RATIO = 1.3;
const LEAST_SHARE = 0.95;
/** Answers that do not count: the model's first runs, and each client's way into the round. */
const WARM_UP = 5;
const SIZE = { width: 640, height: 480 };
const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: EMBEDDED_MODEL },
    clients: { type: "string", default: "8" },
    seconds: { type: "string", default: "10" },
    rounds: { type: "string", default: "3" },
  },
});
const model = resolve(options.model);
const count = Number(options.clients);
const data = Buffer.alloc(SIZE.width * SIZE.height * 3, 114);

const worker = spawn(process.execPath, [AIW, "worker", "--port", "0", "--model-dir", dirname(model)], {
  stdio: ["ignore", "pipe", "ignore"],
  env: { ...process.env, AIW_TOKEN: undefined },
});
const [line] = await once(createInterface(worker.stdout), "line");
const port = Number(/:(\d+)$/.exec(line)?.[1]);

/** The next event of a client. */
function next(client, on) {
  return new Promise((resolve) => {
    const stop = client[on]((value) => {
      stop();
      resolve(value);
    });
  });
}

/** One client at its work until `endMs`; each wait for an answer, milliseconds. */
async function work(client, endMs) {
  const waits = [];
  for (let seq = 1; performance.now() < endMs; seq += 1) {
    if (!client.canSend()) await next(client, "onCredit");
    const begun = performance.now();
    const answered = next(client, "onResult");
    client.sendFrame({ seq, data, ...SIZE, format: "rgb24", dueUs: 0, wallMs: Date.now(), release() {} });
    const { outcome } = await answered;
    if ("error" in outcome) throw outcome.error;
    if (seq > WARM_UP) waits.push(performance.now() - begun);
  }
  await client.shutdown();
  return waits;
}

/** Sends frames without end and reads no answer: each is of 500 kB, for the worker repeats what it was told. */
function deafClient() {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  const settings = { width: 0, height: 0, confThreshold: 0.35, iouThreshold: 0.45, classes: [] };
  const rest = { clientId: "deaf", requireProvider: "", sessionId: "", token: "", priority: 0 };
  socket.write(encodeInit({ modelPath: model, ...settings, ...rest }));
  const pixels = Buffer.alloc(3 * 8 * 8);
  const header = { width: 8, height: 8, pixelFormat: "RGB", monoUs: 0, timeIso: "x".repeat(500_000) };
  const fill = () => {
    for (let seq = 1; !socket.destroyed; seq += 1) {
      if (!socket.write(Buffer.concat([encodeFrameHeader({ ...header, seq }, pixels.length), pixels]))) break;
    }
  };
  socket.pause().on("drain", fill).once("connect", fill);
  return { end: () => socket.destroy(), isCut: () => socket.destroyed };
}

async function turn(clients) {
  const all = [];
  for (let n = 0; n < clients; n += 1) {
    const client = await WorkerClient.connect({ host: "127.0.0.1", port });
    await client.init({ modelPath: model });
    all.push(client);
  }
  const endMs = performance.now() + Number(options.seconds) * 1000;
  const waits = await Promise.all(all.map((client) => work(client, endMs)));
  const p95s = waits.map((each) => each.sort((a, b) => a - b)[Math.ceil(0.95 * each.length) - 1]);
  const answers = waits.reduce((sum, each) => sum + each.length, 0);
  return { p95s, ratio: Math.max(...p95s) / Math.min(...p95s), fps: answers / Number(options.seconds) };
}

const rows = [["turn", "fps", "p95 of each, ms", "max/min"]];
function show(name, { p95s, ratio, fps }) {
  rows.push([name, fps.toFixed(1), p95s.map((ms) => ms.toFixed(0)).join(" "), ratio.toFixed(2)]);
}

const seen = { share: [], ratio: [], besideDeaf: [] };
let cuts = 0;
try {
  for (let round = 0; round < Number(options.rounds); round += 1) {
    const first = await turn(1);
    const all = await turn(count);
    const deaf = deafClient();
    const beside = await turn(count);
    cuts += deaf.isCut() ? 1 : 0;
    deaf.end();
    const last = await turn(1);
    show("one alone", first);
    show(`${count} clients`, all);
    show("beside a deaf one", beside);
    show("one alone again", last);
    seen.ratio.push(all.ratio);
    seen.besideDeaf.push(beside.ratio);
    seen.share.push(all.fps / ((first.fps + last.fps) / 2));
  }
} finally {
  worker.kill("SIGTERM");
  await once(worker, "exit");
}
const [ratio, besideDeaf, share] = [median(seen.ratio), median(seen.besideDeaf), median(seen.share)];
console.log(columns(rows));
console.log(`p95 max/min: median ${ratio.toFixed(2)}, beside a deaf one ${besideDeaf.toFixed(2)}`);
console.log(
  `throughput of ${count} over one: median ${share.toFixed(3)} of ${seen.share.map((one) => one.toFixed(3)).join(" ")}`,
);
console.log(`the deaf one was cut in ${cuts} of ${options.rounds} rounds`);
process.exitCode = ratio > MOST_RATIO || besideDeaf > MOST_RATIO || share < LEAST_SHARE ? 1 : 0;
