import type { AiwError } from "../core/errors.js";
import type { FrameOrigin } from "../frame/frame.js";
import type { KeptFrame } from "../frame/kept-frame.js";
import type { Size } from "../frame/pixel-format.js";
import type { TrueObject } from "../frame/truth.js";
import type { Detection } from "./detection.js";
import type { FrameLatency, WorkerUsage } from "./stages.js";

/** What became of one frame that was not dropped. */
export type FrameOutcome = FrameResult | FrameError;

interface OutcomeBase {
  /** Counts the frames of a stream that were offered, from 1, the dropped ones included. */
  readonly seq: number;
  readonly origin: FrameOrigin;
  /** Capture time, of a paced source the due time: microseconds of the Clock, and wall clock. */
  readonly dueUs: number;
  readonly wallMs: number;
}

export interface FrameResult extends OutcomeBase {
  /** Size as sent: what the detections' boxes refer to. */
  readonly sent: Size;
  readonly latency: FrameLatency;
  readonly detections: readonly Detection[];
  readonly usage: WorkerUsage | undefined;
  /** What is really in the frame, in pixels as sent, where its source knows. */
  readonly truth?: readonly TrueObject[] | undefined;
  /**
   * The frame as sent, of a stream that was told to keep frames: its pixels are there while the outcome
   * is handed out, and after that for whoever has called `keep`.
   */
  readonly frame?: KeptFrame | undefined;
}

export interface FrameError extends OutcomeBase {
  readonly error: AiwError;
}

export function isResult(outcome: FrameOutcome): outcome is FrameResult {
  return "detections" in outcome;
}
