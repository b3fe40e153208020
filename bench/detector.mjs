// How good the embedded detector is on seeds that its training has never seen (it uses 1,000,000 and up):
// the whole pipeline is run on each, and its records are held against the scene's own truth.
//
//   node bench/detector.mjs                     20 seeds, 100 frames each
//   node bench/detector.mjs --first-seed 500 --seeds 40 --frames 50 --crowded
//   node bench/detector.mjs --model other.onnx --conf 0.5
//
// Ends with 1 when a figure is below what docs/models.md says. Needs a built CLI (npm ci).
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { Accuracy } from "../dist/results/accuracy.js";
import { SCENE_CLASSES, SyntheticScene } from "../dist/scene/synthetic-scene.js";
import { parseSynthetic } from "../dist/source/synthetic-uri.js";

const AIW = fileURLToPath(new URL("../bin/aiw.js", import.meta.url));
const SIZE = { width: 640, height: 480 };
const PROMISED = { precision: 0.95, recall: 0.95, classRecall: 0.88, meanIou: 0.85 };

const { values: options } = parseArgs({
  options: {
    model: { type: "string" },
    conf: { type: "string", default: "0.35" },
    "first-seed": { type: "string", default: "1" },
    seeds: { type: "string", default: "20" },
    frames: { type: "string", default: "100" },
    crowded: { type: "boolean", default: false },
  },
});

function records(uri) {
  const model = options.model === undefined ? [] : ["--model", options.model];
  const args = ["run", "--source", uri, "--frames", options.frames, "--conf", options.conf, ...model];
  const text = execFileSync(process.execPath, [AIW, ...args, "--quiet"], { maxBuffer: 2 ** 28 });
  return String(text)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

const accuracy = new Accuracy();
const pixels = new Uint8Array(3 * SIZE.width * SIZE.height);
for (let n = 0; n < Number(options.seeds); n += 1) {
  const uri = `synthetic:?seed=${Number(options["first-seed"]) + n}${options.crowded ? "&crowded=1" : ""}`;
  const scene = new SyntheticScene({ ...parseSynthetic(uri), ...SIZE });
  for (const { seq, detections, error } of records(uri)) {
    if (error !== undefined) throw new Error(`frame ${seq} of ${uri} failed: ${error.message}`);
    const claims = detections.map((d) => ({ className: d.class, confidence: d.confidence, box: d.box }));
    accuracy.add(claims, scene.draw(pixels, seq - 1));
  }
}

const percent = (share) => (share === null ? "–" : `${(share * 100).toFixed(1)} %`);
const { byClass, frames, ...total } = accuracy.summary();
const table = new Table({
  head: ["", "precision", "recall", "mean IoU", "objects"],
  colAligns: ["left", "right", "right", "right", "right"],
  style: { head: [], border: [], compact: true },
});
for (const [name, of] of [["all", total], ...Object.entries(byClass)]) {
  table.push([name, percent(of.precision), percent(of.recall), of.meanIou?.toFixed(3) ?? "–", of.objects]);
}
console.log(`${options.seeds} seeds from ${options["first-seed"]} on, ${frames} frames`);
console.log(table.toString());

// A class that was not there to be found has shown nothing.
const weakest = Math.min(...SCENE_CLASSES.map((name) => byClass[name]?.recall ?? 0));
const kept =
  total.precision >= PROMISED.precision &&
  total.recall >= PROMISED.recall &&
  total.meanIou >= PROMISED.meanIou &&
  weakest >= PROMISED.classRecall;
if (!kept) console.log(`below what is promised: ${JSON.stringify(PROMISED)}`);
process.exitCode = kept ? 0 : 1;
