// How fast the pipeline is on this machine, row by row: each figure beside the peer that it is compared with and
// the target it has. Medians of several runs that are taken in turns with those of the peer.
//
//   node bench/targets.mjs                                         what needs no file: the embedded model
//   node bench/targets.mjs --large yolo11s.onnx --large-optimised aiw.yaml --only tuned,memory
//   node bench/targets.mjs --small yolo11n.onnx --small-optimised yolo11n-int8.onnx --engine openvino \
//     --video bottles.mp4 --only agreement,capacity --rounds 1
//
//   --large FILE, --small FILE      YOLO11s and YOLO11n as they were exported
//   --large-optimised FILE, --small-optimised FILE
//                                   the same after `aiw init --optimize`: the model, or an aiw.yaml that names it
//   --engine NAME                   which an optimised model is run with
//   --video FILE                    a clip; for `agreement` one that was not calibrated with
//   --only ROWS                     overhead, i420, pipeline, optimise, tuned, agreement, capacity, cpu, memory, start
//   --rounds 3 --duration 20 --fps 12 --frames 150
//
// A row without the files that it needs is left out, and said so. Ends with 1 when a target is missed. What grows,
// bench/soak.mjs tells. An engine that the usual environment lacks needs AIW_PYTHON. Needs a machine that does
// nothing else, Linux for `cpu`, and a built CLI (npm ci).
import { parseArgs } from "node:util";
import { columns, median } from "./kit.mjs";
import { targetRows } from "./target-rows.mjs";

const { values: options } = parseArgs({
  options: {
    large: { type: "string" },
    "large-optimised": { type: "string" },
    small: { type: "string" },
    "small-optimised": { type: "string" },
    engine: { type: "string" },
    video: { type: "string" },
    only: { type: "string" },
    rounds: { type: "string", default: "3" },
    duration: { type: "string", default: "20" },
    fps: { type: "string", default: "12" },
    frames: { type: "string", default: "150" },
  },
});
const rows = targetRows(options);
const wanted = options.only?.split(",") ?? rows.map(({ name }) => name);
const unknown = wanted.find((name) => !rows.some((row) => row.name === name));
if (unknown !== undefined) {
  console.error(`no row "${unknown}"; known are ${rows.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}

const fixed = (value) => (value === null || Number.isNaN(value) ? "–" : value.toFixed(value < 10 ? 2 : 1));
let measured = 0;
let missed = 0;

function cells({ what, values, peer, most, least }) {
  const value = median(values);
  const between = values.length > 1 ? `${fixed(Math.min(...values))}–${fixed(Math.max(...values))}` : "";
  const beside = peer === undefined ? ["", ""] : [fixed(median(peer)), fixed(value / median(peer))];
  if (most === undefined && least === undefined)
    return [`  ${what}`, fixed(value), between, ...beside, "", ""];
  const isMet = most === undefined ? value >= least : value <= most;
  if (!isMet) missed += 1;
  const target = most === undefined ? `>= ${least}` : `<= ${most}`;
  return [
    `  ${what}`,
    fixed(value),
    between,
    ...beside,
    target,
    isMet ? "met" : Number.isNaN(value) ? "NO FIGURE" : "MISSED",
  ];
}

for (const { name, about, needs = {}, run } of rows.filter((row) => wanted.includes(row.name))) {
  const absent = Object.keys(needs).filter((option) => needs[option] === undefined);
  if (absent.length > 0) {
    console.log(`${name}: left out, needs ${absent.map((option) => `--${option}`).join(", ")}`);
    continue;
  }
  measured += 1;
  console.log(`${name}: ${about}`);
  const figures = (await run()).map(cells);
  console.log(columns([["", "median", "runs", "peer", "ratio", "target", ""], ...figures]));
}
if (measured === 0) process.exit(2);
console.log(missed === 0 ? "no target was missed" : `${missed} missed`);
process.exitCode = missed === 0 ? 0 : 1;
