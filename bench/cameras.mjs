// Whether a camera that breaks every few seconds disturbs the others: four HTTP cameras at 5 fps on one worker, in one
// run. In half of its windows the fourth is killed again and again, in the others it is steady, in turns (A B B A …):
// in one run the cameras keep their phases, which decide how often two frames meet, and so does what else runs here.
// Prints the p50 of the three others of each window and the median of the ratios of the pairs; the target is at most
// 1.1. Less than 1 is no disturbance: while the fourth is away it asks for no inference. Ends with 1 when it is missed.
//
//   node bench/cameras.mjs CLIP.mp4 MODEL.onnx            eight pairs of windows of 12 s
//   node bench/cameras.mjs CLIP.mp4 MODEL.onnx --pairs 20 --seconds 30 --every 3
//
// The model has to leave room: where 20 frames a second are nearly all that the machine does, its queue is measured.
// Needs a built CLI (npm ci), ffmpeg (AIW_FFMPEG, or the system's) and Linux. The cameras are processes of this
// machine and take their share of its cores in both kinds of windows.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { freePort, mjpegServer } from "./camera-servers.mjs";
import { AIW, inTurns, median } from "./kit.mjs";

const FPS = 5;
const TARGET = 0.1;
/** What comes so soon after the fourth camera's first record belongs to no window, milliseconds. */
const SETTLE_MS = 1_000;
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pairs: { type: "string", default: "8" },
    seconds: { type: "string", default: "12" },
    every: { type: "string", default: "4" },
  },
});
const [clip, model] = positionals;
if (clip === undefined || model === undefined)
  throw new Error("which clip and model? node bench/cameras.mjs CLIP.mp4 MODEL.onnx");
const serve = (port) => mjpegServer(process.env.AIW_FFMPEG ?? "ffmpeg", port, clip, `fps=${FPS}`);
const url = (port) => `http://127.0.0.1:${port}/cam.mjpg`;

const ports = [];
for (let n = 0; n < 4; n += 1) ports.push(await freePort());
const servers = [];
for (const port of ports) servers.push(await serve(port));
let fourth = servers.pop();

const cameras = ports.flatMap((port) => ["--camera", url(port)]);
const aiw = spawn(process.execPath, [AIW, "run", "--model", model, ...cameras, "--quiet"], {
  stdio: ["ignore", "pipe", "inherit"],
});
const closed = once(aiw, "close");
const records = createInterface(aiw.stdout);
/** Latencies of the three, of the window that is open. */
let totals = [];
let onFourth = () => {};
records.on("line", (line) => {
  const { source, latency_ms: latency } = JSON.parse(line);
  if (source === url(ports[3])) onFourth();
  else if (latency !== undefined) totals.push(latency.total);
});
const fourthSeen = () => new Promise((resolve) => (onFourth = resolve));

/** @returns {Promise<number>} p50 of the three others' latency, milliseconds */
async function windowOf(breaks) {
  await fourthSeen();
  await setTimeout(SETTLE_MS);
  totals = [];
  const times = breaks ? Math.floor(options.seconds / options.every) : 1;
  for (let n = 0; n < times; n += 1) {
    if (breaks) {
      await fourth.kill();
      fourth = await serve(ports[3]);
    }
    await setTimeout((options.seconds * 1000) / times);
  }
  return median(totals);
}

const seen = await inTurns(Number(options.pairs), [
  async () => ({ steady: await windowOf(false) }),
  async () => ({ breaking: await windowOf(true) }),
]);
aiw.kill("SIGINT");
await closed;
for (const server of [...servers, fourth]) await server.kill();

const ratios = seen.get("breaking").map((ms, n) => ms / seen.get("steady")[n]);
const shown = (values, digits) => values.map((value) => value.toFixed(digits)).join(" ");
console.log(`p50 of the three others, ms, all steady: ${shown(seen.get("steady"), 1)}`);
console.log(`while the fourth breaks every ${options.every} s:    ${shown(seen.get("breaking"), 1)}`);
console.log(
  `ratios: ${shown(ratios, 3)}; median ${median(ratios).toFixed(3)} (target: at most ${1 + TARGET})`,
);
process.exitCode = median(ratios) <= 1 + TARGET ? 0 : 1;
