// Where a frame's time goes on both sides: one run of the pipeline that only counts, then one with both of its
// processes profiled.
//
//   node bench/profile.mjs                                      the embedded model and scene, 300 frames at 12 fps
//   node bench/profile.mjs --model ../shared/models/yolo11n.onnx --fps 10 --frames 200 --top 20
//   node bench/profile.mjs --source video.mp4 -- --pixel-format i420       what follows -- goes to aiw run
//
// Prints the medians of the stages and the CPU time that client and worker take for a frame, in user mode and in
// the kernel, of the first run; and of the second the functions in which most of the time is spent themselves.
// The client's CPU is that of all its threads, the scene's among them. Of its functions V8 tells time and not CPU
// time: what waits for the kernel counts, what is idle does not. Of the worker's, "the engine's own threads" is
// what no thread of Python's has used. Being profiled makes much of it take longer.
// Linux only; needs a built CLI (npm ci).
import { parseArgs } from "node:util";
import { sum } from "../dist/core/sum.js";
import { columns, median } from "./kit.mjs";
import { profiledRun } from "./profiled-run.mjs";

const STAGES = ["wait", "transport", "queue", "preprocess", "inference", "postprocess", "total"];
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: "string" },
    source: { type: "string", default: "synthetic:" },
    fps: { type: "string", default: "12" },
    frames: { type: "string", default: "300" },
    top: { type: "string", default: "12" },
  },
});

const model = options.model === undefined ? [] : ["--model", options.model];
const args = [...model, "--source", options.source, "--loop", "--fps", options.fps, ...positionals];
const frames = Number(options.frames);
const { latencies, client, worker } = await profiledRun({ args, frames, samples: false });
const profiled = await profiledRun({ args, frames, samples: true });

const ms = (value) => value.toFixed(2);
const shortened = (text) => (text.length > 62 ? `${text.slice(0, 61)}…` : text);

/** The functions that take most, and what is left of all of them. */
function top(functions) {
  const sorted = functions.filter(([, , took]) => took > 0).sort(([, , a], [, , b]) => b - a);
  const shown = sorted.slice(0, Number(options.top));
  const rest = sum(sorted.slice(shown.length).map(([, , took]) => took));
  return columns([
    ["", "ms a frame"],
    ...shown.map(([thread, name, took]) => [shortened(`${thread}: ${name}`), ms(took)]),
    ["all others", ms(rest)],
  ]);
}

console.log(`aiw run ${args.join(" ")}: ${latencies.length} results`);
console.log(
  columns([
    ["stage", "p50 ms"],
    ...STAGES.map((stage) => [stage, ms(median(latencies.map((latency) => latency[stage])))]),
  ]),
);
console.log(
  `\nclient, CPU a frame: ${ms(client.userMs)} ms user, ${ms(client.systemMs)} ms system; by function, ms:`,
);
console.log(top(profiled.client.functions));
const known = sum(profiled.worker.functions.map(([, , took]) => took));
const all = profiled.worker.outsideMs + profiled.worker.inferenceMs;
console.log(
  `\nworker, CPU a frame: ${ms(worker.userMs)} ms user, ${ms(worker.systemMs)} ms system; inference ${ms(worker.inferenceMs)} ms, else ${ms(worker.outsideMs)} ms`,
);
console.log(`by function, ms, the profiler's own ${ms(profiled.worker.profilerMs)} left out:`);
console.log(top([...profiled.worker.functions, ["engine", "the engine's own threads", all - known]]));
