import { expect, it } from "vitest";
import { parseGate } from "../config/gate.js";
import { checkGatesOf } from "./bench-gates.js";

const SHAPE = ["shape only: random weights, no detections to expect"];

it.each(["recall>1%", "precision>1%", "detections>=1"])(
  "a gate %s on a file that is a shape is refused, and on another model not",
  (text) => {
    const gates = [parseGate("p95<1s"), parseGate(text)];
    expect(() => checkGatesOf(gates, "m.onnx", SHAPE)).toThrow(
      `--gate "${text}": m.onnx has random weights and detects nothing`,
    );
    expect(() => checkGatesOf(gates, "m.onnx", ["detections not verified"])).not.toThrow();
    expect(() => checkGatesOf([parseGate("p95<1s")], "m.onnx", SHAPE)).not.toThrow();
  },
);
