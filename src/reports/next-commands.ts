import { basename } from "node:path";
import { isShape } from "../core/shapes.js";
import type { InitReport } from "./init-summary.js";

/**
 * What to do after `aiw init`.
 * @param weights the model's path or a shape; undefined for the built-in one
 * @param isOnFlag whether the model has to be given each time, since the file was kept as it is
 */
export function commandsToGoOn(weights: string | undefined, isOnFlag: boolean): InitReport["next"] {
  if (weights === undefined) {
    return [
      { command: "aiw bench --fps 12", purpose: "how fast and how good the built-in detector is here" },
      { command: "aiw init --model yolo11s.onnx", purpose: "a model of yours" },
      { command: "aiw doctor", purpose: "what works on this machine, and what does not" },
    ];
  }
  const model = isOnFlag ? ` --model ${basename(weights)}` : "";
  const bench = {
    command: `aiw bench${model} --fps 12`,
    purpose: "latency, drops and detections at a fixed rate",
  };
  if (isShape(weights))
    return [bench, { command: "aiw init --model yolo11s.onnx", purpose: "a model that detects something" }];
  return [
    { command: `aiw run${model} --source street.mp4`, purpose: "detections, one line of JSON a frame" },
    { command: `aiw run${model} --camera`, purpose: "the same of the first camera" },
    bench,
  ];
}
