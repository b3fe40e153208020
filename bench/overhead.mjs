// What the pipeline adds to the inference: node bench/overhead.mjs MODEL.onnx [FPS [FRAMES [ROUNDS]]]
//
// Frames of 640x480 RGB go through `aiw run` at a fixed rate over loopback, and the same model is
// called bare in a Python loop at the same rate, in turns (A B B A …), each in processes of its own.
// Printed are, p50 of each turn and the median over all: total, inference, total minus its own
// inference (frame by frame), each other stage, the bare call, and the CPU time that it takes.
import { bareTurn, inTurns, median, pipelineTurn } from "./kit.mjs";

const [model, fps = "5", frames = "100", rounds = "3"] = process.argv.slice(2);
if (model === undefined) {
  console.error("usage: node bench/overhead.mjs MODEL.onnx [FPS [FRAMES [ROUNDS]]]");
  process.exit(2);
}

const turn = { model, fps, frames };
const seen = await inTurns(Number(rounds), [() => pipelineTurn(turn), () => bareTurn(turn)]);
console.log(`${model}, 640x480 RGB at ${fps} fps, ${frames} frames a turn; p50 in ms`);
for (const [name, values] of seen) {
  const each = values.map((value) => value.toFixed(2).padStart(7)).join(" ");
  console.log(`${name.padEnd(18)} ${median(values).toFixed(2).padStart(7)}   of ${each}`);
}
const gap = median(seen.get("total")) - median(seen.get("bare"));
console.log(`${"total - bare".padEnd(18)} ${gap.toFixed(2).padStart(7)}`);
