// Whether a camera that breaks every few seconds disturbs the others: four HTTP cameras at 5 fps on one worker, in
// turns with all of them steady (A B B A …). Prints the p50 of the three others, of each turn and the median of the
// ratios of the pairs; the target is a ratio within 10 %. Ends with 1 when it is missed.
//
//   node bench/cameras.mjs CLIP.mp4 MODEL.onnx            six pairs of turns of 30 s
//   node bench/cameras.mjs CLIP.mp4 MODEL.onnx --pairs 4 --seconds 20 --every 3
//   node bench/cameras.mjs CLIP.mp4 MODEL.onnx --without camera    in turns with three cameras alone
//
// Needs a built CLI (npm ci), ffmpeg (AIW_FFMPEG, or the system's) and Linux. The cameras are processes of this
// machine and take their share of its cores in both kinds of turns.
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { freePort, mjpegServer } from "./camera-servers.mjs";
import { inTurns, median, streamRecords } from "./kit.mjs";

const FPS = 5;
const TARGET = 0.1;
/** Frames of each camera that do not count. */
const WARM_UP = 10;
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pairs: { type: "string", default: "6" },
    seconds: { type: "string", default: "30" },
    every: { type: "string", default: "4" },
    without: { type: "string", default: "breaking" },
  },
});
const [clip, model] = positionals;
if (clip === undefined || model === undefined)
  throw new Error("which clip and model? node bench/cameras.mjs CLIP.mp4 MODEL.onnx");
const ffmpeg = process.env.AIW_FFMPEG ?? "ffmpeg";
const serve = (port) => mjpegServer(ffmpeg, port, clip, `fps=${FPS}`);

/** Kills and serves the camera again, until told to stop. */
async function breakAgainAndAgain(server, port, stop) {
  let serving = server;
  while (!stop.aborted) {
    await setTimeout(Number(options.every) * 1000, undefined, { signal: stop }).catch(() => {});
    if (stop.aborted) break;
    await serving.kill();
    serving = await serve(port);
  }
  await serving.kill();
}

/** @returns {Promise<number>} p50 of the first three cameras' latency, milliseconds */
async function turn(count, breaks) {
  const ports = [];
  for (let n = 0; n < count; n += 1) ports.push(await freePort());
  const servers = [];
  for (const port of ports) servers.push(await serve(port));
  const stop = new AbortController();
  const breaking = breaks ? breakAgainAndAgain(servers.pop(), ports[3], stop.signal) : undefined;
  const url = (port) => `http://127.0.0.1:${port}/cam.mjpg`;
  const steady = new Set(ports.slice(0, 3).map(url));
  const totals = [];
  const cameras = ports.flatMap((port) => ["--camera", url(port)]);
  const length = ["--duration", `${options.seconds}s`];
  await streamRecords(["run", "--model", model, ...cameras, ...length], {
    onRecord({ source, seq, latency_ms: latency }) {
      if (steady.has(source) && seq > WARM_UP) totals.push(latency.total);
    },
  });
  stop.abort();
  await breaking;
  for (const server of servers) await server.kill();
  return median(totals);
}

const bases = { breaking: () => turn(4, false), camera: () => turn(3, false) };
const base = bases[options.without];
if (base === undefined) throw new Error(`--without ${options.without}: breaking or camera`);
const seen = await inTurns(Number(options.pairs), [
  async () => ({ without: await base() }),
  async () => ({ with: await turn(4, true) }),
]);
const ratios = seen.get("with").map((ms, n) => ms / seen.get("without")[n]);
const shown = (values, digits) => values.map((value) => value.toFixed(digits)).join(" ");
console.log(`p50 of the three others, ms, without ${options.without}: ${shown(seen.get("without"), 1)}`);
console.log(`with one that breaks every ${options.every} s:      ${shown(seen.get("with"), 1)}`);
console.log(`ratios: ${shown(ratios, 3)}; median ${median(ratios).toFixed(3)} (target 1 ± ${TARGET})`);
process.exitCode = Math.abs(median(ratios) - 1) <= TARGET ? 0 : 1;
