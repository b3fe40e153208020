// How soon detections come again when a camera is back: each kind of server is killed, is away for 10 s, and is
// started again. Prints the states that were told, and the time from the server's being ready to the next record;
// the target is 5 s. Ends with 1 when it is missed.
//
//   node bench/camera-outage.mjs CLIP.mp4 MODEL.onnx
//   node bench/camera-outage.mjs CLIP.mp4 MODEL.onnx --rounds 3 --away 10
//
// RTSP, over TCP and over UDP, is served by the Python that AIW_TEST_PYTHON names (with the packages of
// worker/requirements-dev.lock), and left out without it. Needs a built CLI (npm ci), ffmpeg and Linux.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { performance } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { freePort, mjpegServer, rtspServer } from "./camera-servers.mjs";
import { AIW } from "./kit.mjs";

const TARGET_S = 5;
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "3" }, away: { type: "string", default: "10" } },
});
const [clip, model] = positionals;
if (clip === undefined || model === undefined)
  throw new Error("which clip and model? node bench/camera-outage.mjs CLIP.mp4 MODEL.onnx");
const ffmpeg = process.env.AIW_FFMPEG ?? "ffmpeg";
const python = process.env.AIW_TEST_PYTHON;
const rtsp = (...flags) => ({
  url: (port) => `rtsp://127.0.0.1:${port}/live`,
  serve: (port) => rtspServer(python, port, clip, ...flags),
});
const KINDS = new Map([
  [
    "HTTP MJPEG",
    { url: (port) => `http://127.0.0.1:${port}/cam.mjpg`, serve: (port) => mjpegServer(ffmpeg, port, clip) },
  ],
  ...(python === undefined
    ? []
    : [
        ["RTSP, TCP", rtsp()],
        ["RTSP, UDP", rtsp("--refuse-tcp")],
      ]),
]);

/** @returns {Promise<number>} seconds from the server's being ready to the next record */
async function outage({ url, serve }) {
  const port = await freePort();
  const server = await serve(port);
  const aiw = spawn(process.execPath, [AIW, "run", "--model", model, "--camera", url(port)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const records = createInterface(aiw.stdout);
  createInterface(aiw.stderr).on("line", (line) => console.log(`    ${line}`));
  await once(records, "line");
  await server.kill();
  await setTimeout(Number(options.away) * 1000);
  const again = await serve(port);
  const readyAt = performance.now();
  await once(records, "line");
  const seconds = (performance.now() - readyAt) / 1000;
  const closed = once(aiw, "close");
  aiw.kill("SIGINT");
  await closed;
  await again.kill();
  return seconds;
}

for (const [name, kind] of KINDS) {
  const times = [];
  for (let round = 0; round < Number(options.rounds); round += 1) times.push(await outage(kind));
  console.log(
    `${name}: records again after ${times.map((s) => s.toFixed(1)).join(", ")} s (target ${TARGET_S})`,
  );
  if (Math.max(...times) > TARGET_S) process.exitCode = 1;
}
