import type { ModelDescription } from "../core/model-description.js";

/** What the worker says of YOLO11n, with changes. */
export function modelDescription(changes: Partial<ModelDescription> = {}): ModelDescription {
  return {
    file: "yolo11n.onnx",
    bytes: 10_701_908,
    sha256: "adeb0633942f82f47e755d48bf4b724b9abc3f874ba613a015c67b573a9cd7b4",
    weight_files: [],
    family: "yolo11",
    refusal: null,
    task: "detect",
    input: {
      name: "images",
      shape: [1, 3, 640, 640],
      dtype: "float32",
      width: 640,
      height: 640,
      dynamic: false,
    },
    outputs: [{ name: "output0", shape: [1, 84, 8400], dtype: "float32" }],
    classes: { names: ["person", "bicycle"], source: "metadata" },
    precision: { name: "fp32", shares: { fp32: 1 } },
    opset: 17,
    other_opsets: {},
    ir_version: 8,
    producer: "pytorch 2.9.0",
    parameters: 2_616_248,
    gflop: 6.5425024,
    gflop_unknown: null,
    suppression: "by class",
    metadata: { author: null, license: null, date: null, version: null, description: null },
    runtime: "onnxruntime 1.32.0",
    providers: [{ name: "CPUExecutionProvider", starts: true, reason: null }],
    warnings: [],
    ...changes,
  };
}
