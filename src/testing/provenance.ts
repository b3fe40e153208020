import type { CandidateFigures, Provenance } from "../optimize/provenance.js";

/** A candidate that was as fast as the model and sees the same. */
export function figures(changes: Partial<CandidateFigures> = {}): CandidateFigures {
  return {
    ...{ engine: "onnxruntime", precision: "unchanged", input: "640x640", threads: 2 },
    ...{ alone_ms: 50, in_turns_ms: 50, ratio: 1, agreement: { f1: 1, mean_iou: 1 } },
    ...{ failure: null, chosen: false },
    ...changes,
  };
}

/** Of a model that was twice as fast in 8 bits. */
export function provenanceOf(changes: Partial<Provenance> = {}): Provenance {
  const precision = "int8 convolutions";
  const agreement = { f1: 0.98, mean_iou: 0.97 };
  return {
    schema: "aiw.optimized/1",
    created: "2026-01-02T03:04:05.000Z",
    source: { path: "/models/yolo11s.onnx", sha256: "a".repeat(64), weights: [] },
    file: "yolo11s-int8-conv-decode-own.onnx",
    ...{ engine: "onnxruntime", threads: null, precision, input: "640x640" },
    ...{ verified: true, agreement, min_agreement: 0.95, judged_frames: 64, reference_detections: 120 },
    calibration: { sources: ["street.mp4"], frames: 32, sha256: "b".repeat(64) },
    settings: { conf: null, iou: null, classes: null, size: "640x480", threads: null },
    versions: { aiw: "0.1.0" },
    machine: { cpu: "a cpu", cores: 2 },
    candidates: [figures(), figures({ precision, ratio: 0.5, agreement, chosen: true })],
    ...{ file_sha256: null, lacked_memory: false, remarks: [], seconds: 60 },
    ...changes,
  };
}
