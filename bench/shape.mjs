// Whether a model of our own layers takes as long as the one that it stands for:
//   node bench/shape.mjs MODEL.onnx SHAPE [PAIRS [FRAMES]]
//
// SHAPE (shape:yolo11s) is built as `aiw models build` does it, with a free size where MODEL has one, and both
// are called bare in turns (A B B A …), each in a process of its own. Printed are the median of each turn, the
// ratio of each pair, and the median ratio.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheDir } from "../dist/worker-process/cache-dir.js";
import { ensurePython } from "../dist/worker-process/python-env.js";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const [model, shape, pairs = "6", frames = "30"] = process.argv.slice(2);
if (model === undefined || shape === undefined) {
  console.error("usage: node bench/shape.mjs MODEL.onnx shape:yolo11s [PAIRS [FRAMES]]");
  process.exit(2);
}
/** Calls at the start of a turn that do not count. */
const WARM_UP = 5;
/** Calls a second: more than any machine makes, so that one follows the other. */
const UNPACED = "1000000";

const aiw = (...args) =>
  execFileSync(process.execPath, [join(root, "bin/aiw.js"), ...args], { encoding: "utf8" });

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

const { python } = await ensurePython({
  env: process.env,
  lockFile: join(root, "worker", "requirements.lock"),
  cacheDir: cacheDir(process.env, process.platform, homedir()),
});

/** The median of one turn, milliseconds. */
function turn(file) {
  const args = [join(here, "bare.py"), file, UNPACED, String(Number(frames) + WARM_UP)];
  const options = { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };
  return median(execFileSync(python, args, options).trim().split("\n").slice(WARM_UP).map(Number));
}

const folder = mkdtempSync(join(tmpdir(), "aiw-shape-"));
try {
  const ours = join(folder, "shape.onnx");
  const { input } = JSON.parse(aiw("models", "describe", model, "--json"));
  const size = `${input.width}x${input.height}`;
  aiw("models", "build", shape, "--size", size, ...(input.dynamic ? ["--dynamic"] : []), "--out", ours);
  console.log(`${shape} at ${size}${input.dynamic ? ", of any size," : ""} against ${model}`);
  const ratios = [];
  for (let pair = 0; pair < Number(pairs); pair += 1) {
    const order = pair % 2 === 0 ? [ours, model] : [model, ours];
    const ms = new Map(order.map((file) => [file, turn(file)]));
    ratios.push(ms.get(ours) / ms.get(model));
    const [a, b] = [ms.get(ours), ms.get(model)].map((value) => value.toFixed(1).padStart(7));
    console.log(`shape ${a} ms   model ${b} ms   ratio ${ratios.at(-1).toFixed(3)}`);
  }
  console.log(`median ratio ${median(ratios).toFixed(3)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
