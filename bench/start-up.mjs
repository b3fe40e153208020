// How long `aiw bench` takes from being typed to its first result, the environment already made: the time
// of a whole bench of one frame without a warm-up, which is that and the ending.
//
//   node bench/start-up.mjs [RUNS] [MORE AIW FLAGS…]
import { spawnSync } from "node:child_process";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";

const AIW = fileURLToPath(new URL("../bin/aiw.js", import.meta.url));
const [runs = "5", ...flags] = process.argv.slice(2);

function once() {
  const begun = performance.now();
  const args = [AIW, "bench", "--warmup", "0s", "--frames", "1", ...flags];
  const { status } = spawnSync(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0) throw new Error(`aiw bench ended with ${status}`);
  return performance.now() - begun;
}

once();
const times = Array.from({ length: Number(runs) }, once).sort((a, b) => a - b);
const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
console.log(
  `${runs} runs: median ${seconds(times[Math.floor(times.length / 2)])}, longest ${seconds(times.at(-1))}`,
);
