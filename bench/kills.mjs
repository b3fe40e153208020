// Kills the worker of a run again and again (SIGKILL): the run has to go on, and results have to come again soon.
//
//   node bench/kills.mjs --model yolo11n.onnx --kills 20
//
// Prints, of each kill, the time until the first result after it, milliseconds: the worker's start and the loading
// of its model included. Then the run's own summary. Linux (/proc); needs a built CLI (npm ci).
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { AIW, median } from "./kit.mjs";

/** Results between two kills. */
const RESULTS = 10;

const { values: options } = parseArgs({
  options: { model: { type: "string" }, kills: { type: "string", default: "20" } },
});
const model = options.model === undefined ? [] : ["--model", options.model];
const args = [AIW, "run", "--source", "synthetic:", "--fps", "20", ...model];
const run = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
let said = "";
run.stderr.setEncoding("utf8").on("data", (text) => {
  said += text;
});

function workerPid() {
  const children = readFileSync(`/proc/${run.pid}/task/${run.pid}/children`, "utf8")
    .split(" ")
    .filter(Boolean);
  return Number(children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("aiw_worker")));
}

const took = [];
let killedMs;
let results = 0;
for await (const line of createInterface({ input: run.stdout })) {
  if (line === "") continue;
  results += 1;
  if (killedMs !== undefined) {
    took.push(performance.now() - killedMs);
    killedMs = undefined;
    results = 0;
  }
  if (took.length === Number(options.kills)) break;
  if (results < RESULTS) continue;
  process.kill(workerPid(), "SIGKILL");
  killedMs = performance.now();
}
run.kill("SIGINT");
const [code] = await once(run, "close");
console.log(`until results come again, ms: ${took.map((ms) => ms.toFixed(0)).join(" ")}`);
console.log(
  `${took.length} kills: median ${median(took).toFixed(0)} ms, most ${Math.max(...took).toFixed(0)} ms`,
);
console.log(
  said
    .split("\n")
    .filter((line) => !line.startsWith("aiw: "))
    .join("\n")
    .trim(),
);
process.exitCode = took.length === Number(options.kills) && code === 130 ? 0 : 1;
