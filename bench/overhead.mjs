// What the pipeline adds to the inference: node bench/overhead.mjs MODEL.onnx [FPS [FRAMES [ROUNDS]]]
//
// Frames of 640x480 RGB go through `aiw run` at a fixed rate over loopback, and the same model is
// called bare in a Python loop at the same rate, in turns (A B B A …), each in processes of its own.
// Printed are, p50 of each turn and the median over all: total, inference, total minus its own
// inference (frame by frame), each other stage, and the bare call.
import { execFileSync } from "node:child_process";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheDir } from "../dist/worker-process/cache-dir.js";
import { ensurePython } from "../dist/worker-process/python-env.js";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const [model, fps = "5", frames = "100", rounds = "3"] = process.argv.slice(2);
if (model === undefined) {
  console.error("usage: node bench/overhead.mjs MODEL.onnx [FPS [FRAMES [ROUNDS]]]");
  process.exit(2);
}
/** Frames at the start of a turn that do not count. */
const WARM_UP = 15;

const { python } = await ensurePython({
  env: process.env,
  lockFile: join(root, "worker", "requirements.lock"),
  cacheDir: cacheDir(process.env, process.platform, homedir()),
});
const count = String(Number(frames) + WARM_UP);

function lines(program, args) {
  const options = { encoding: "utf8", maxBuffer: 2 ** 28, stdio: ["ignore", "pipe", "ignore"] };
  return execFileSync(program, args, options).trim().split("\n").slice(WARM_UP);
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

function pipeline() {
  const args = [
    "run",
    "--model",
    model,
    "--source",
    "synthetic:",
    "--fps",
    fps,
    "--frames",
    count,
    "--out",
    "ndjson:-",
  ];
  const records = lines(process.execPath, [join(root, "bin", "aiw.js"), ...args]).map((line) =>
    JSON.parse(line),
  );
  const p50 = (of) => median(records.map(({ latency_ms }) => of(latency_ms)));
  return {
    total: p50((l) => l.total),
    inference: p50((l) => l.inference),
    "total - inference": p50((l) => l.total - l.inference),
    wait: p50((l) => l.wait),
    transport: p50((l) => l.transport),
    queue: p50((l) => l.queue),
    preprocess: p50((l) => l.preprocess),
    postprocess: p50((l) => l.postprocess),
  };
}

function bare() {
  return { bare: median(lines(python, [join(here, "bare.py"), model, fps, count]).map(Number)) };
}

const turns = Array.from({ length: Number(rounds) }, (_, i) =>
  i % 2 === 0 ? [pipeline, bare] : [bare, pipeline],
).flat();
const seen = new Map();
for (const turn of turns) {
  for (const [name, value] of Object.entries(turn())) seen.set(name, [...(seen.get(name) ?? []), value]);
}
console.log(`${model}, 640x480 RGB at ${fps} fps, ${frames} frames a turn; p50 in ms`);
for (const [name, values] of seen) {
  const each = values.map((value) => value.toFixed(2).padStart(7)).join(" ");
  console.log(`${name.padEnd(18)} ${median(values).toFixed(2).padStart(7)}   of ${each}`);
}
const gap = median(seen.get("total")) - median(seen.get("bare"));
console.log(`${"total - bare".padEnd(18)} ${gap.toFixed(2).padStart(7)}`);
