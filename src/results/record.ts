import { round } from "../core/round.js";
import type { Size } from "../frame/pixel-format.js";
import { type Detection, scaleBox } from "./detection.js";
import { type FrameOutcome, isResult } from "./frame-outcome.js";
import { LATENCIES } from "./latency.js";

const RECORD_SCHEMA = "aiw.detections/1";

/**
 * What is written of one frame: the NDJSON record `aiw.detections/1`. Boxes are in pixels of the
 * source's own frame, latencies in milliseconds (null where the worker does not report a stage).
 * @param modelId SHA-256 of the model file, hex
 */
export function detectionRecord(outcome: FrameOutcome, modelId: string): object {
  const { origin, seq } = outcome;
  const time = new Date(outcome.wallMs).toISOString();
  const { source, width, height } = origin;
  // Written out twice, and no `...head`: V8 makes a hidden class for each object that is spread and added to,
  // and it lives until the next full collection.
  if (!isResult(outcome)) {
    const { message, workerName, code } = outcome.error;
    const error = { code: workerName ?? code, message };
    return { schema: RECORD_SCHEMA, source, seq, time, width, height, model_id: modelId, error };
  }
  const { latency, sent } = outcome;
  const ms = (us: number | null) => (us === null ? null : us / 1000);
  return {
    schema: RECORD_SCHEMA,
    source,
    seq,
    time,
    width,
    height,
    latency_ms: Object.fromEntries(LATENCIES.map((name) => [name, ms(latency[name])])),
    model_id: modelId,
    detections: outcome.detections.map((d) => {
      return {
        class: d.className,
        class_id: d.classId,
        confidence: round(d.confidence, 4),
        box: boxRecord(d, sent, origin),
        track_id: d.trackId,
      };
    }),
  };
}

/** A detection's box in pixels of the source's own frame, as records have it. */
export function boxRecord({ box }: Detection, sent: Size, origin: Size): object {
  const { x, y, w, h } = scaleBox(box, sent, origin);
  return { x: round(x, 2), y: round(y, 2), w: round(w, 2), h: round(h, 2) };
}
