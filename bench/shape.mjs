// Whether a model of our own layers takes as long as the one that it stands for:
//   node bench/shape.mjs MODEL.onnx shape:yolo11s [PAIRS [FRAMES]]
//
// The shape is built as `aiw models build` does it, of the size of MODEL, and of any where that is so. Both are
// called bare in turns (A B B A …), each turn in a process of its own. Printed are the medians of each pair of
// turns, of the time of a call and of its CPU time, the ratios of both, and the median ratios. Where other
// things run on the same cores the CPU time is what tells.
import { join } from "node:path";
import { AIW, bareTurn, columns, inScratch, inTurns, linesOf, median } from "./kit.mjs";

const [model, shape, pairs = "6", frames = "30"] = process.argv.slice(2);
if (model === undefined || shape === undefined) {
  console.error("usage: node bench/shape.mjs MODEL.onnx shape:yolo11s [PAIRS [FRAMES]]");
  process.exit(2);
}
/** More than any machine makes: one call follows the other. */
const UNPACED = "1000000";

const aiw = (...args) => linesOf(process.execPath, [AIW, ...args]);

await inScratch(async (folder) => {
  const ours = join(folder, "shape.onnx");
  const { input } = JSON.parse((await aiw("models", "describe", model, "--json")).join("\n"));
  const size = `${input.width}x${input.height}`;
  const free = input.dynamic ? ["--dynamic"] : [];
  await aiw("models", "build", shape, "--quiet", "--size", size, ...free, "--out", ours);
  const turn = (name, file) => async () => {
    const { bare, "bare CPU": cpu } = await bareTurn({ model: file, fps: UNPACED, frames });
    return { [`${name} ms`]: bare, [`${name} CPU`]: cpu };
  };
  const seen = await inTurns(Number(pairs), [turn("shape", ours), turn("model", model)]);
  const ratios = (of) => seen.get(`shape ${of}`).map((value, i) => value / seen.get(`model ${of}`)[i]);
  seen.set("ratio", ratios("ms"));
  seen.set("CPU ratio", ratios("CPU"));
  const names = ["shape ms", "model ms", "ratio", "shape CPU", "model CPU", "CPU ratio"];
  const cells = (at) => names.map((name) => at(seen.get(name)).toFixed(name.includes("ratio") ? 3 : 1));
  const rows = Array.from({ length: Number(pairs) }, (_, i) => [i + 1, ...cells((values) => values[i])]);
  console.log(`${shape} against ${model}, both at ${size}${input.dynamic ? " of any" : ""}`);
  console.log(columns([["pair", ...names], ...rows, ["median", ...cells(median)]]));
});
