import { isShape } from "../core/shapes.js";
import type { InitReport } from "./init-summary.js";

/**
 * What to do after `aiw init`.
 * @param weights the model's path or a shape; undefined for the built-in one
 */
export function commandsToGoOn(weights: string | undefined): InitReport["next"] {
  if (weights === undefined) {
    return [
      { command: "aiw bench --fps 12", purpose: "how fast and how good the built-in detector is here" },
      { command: "aiw init --model yolo11s.onnx", purpose: "a model of yours" },
      { command: "aiw doctor", purpose: "what works on this machine, and what does not" },
    ];
  }
  const bench = { command: "aiw bench --fps 12", purpose: "latency, drops and detections at a fixed rate" };
  if (isShape(weights))
    return [bench, { command: "aiw init --model yolo11s.onnx", purpose: "a model that detects something" }];
  return [
    { command: "aiw run --source street.mp4", purpose: "detections, one line of JSON a frame" },
    { command: "aiw run --camera", purpose: "the same of the first camera" },
    bench,
  ];
}
