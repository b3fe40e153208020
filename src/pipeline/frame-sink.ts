import type { Unsubscribe } from "../core/emitter.js";
import type { AiwError } from "../core/errors.js";
import type { WireFormat } from "../frame/pixel-format.js";
import type { Detection } from "../results/detection.js";
import type { WorkerStages, WorkerUsage } from "../results/stages.js";

/** A frame as it is handed over to be sent. */
export interface OutgoingFrame {
  /** Given back with the answer; unique among the frames of a connection. */
  readonly seq: number;
  /** Raw pixels, row by row, or an encoded picture; must not change until `release` is called. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly format: WireFormat;
  /** Capture time, of a paced source the due time: microseconds of the Clock, and wall clock. */
  readonly dueUs: number;
  readonly wallMs: number;
  /** Called once the last byte was handed to the system, or the link is gone. */
  release(): void;
}

/** The worker's answer to one frame: detections, or why there are none. */
export interface FrameAnswer {
  readonly seq: number;
  /** When its first byte was written, microseconds of the Clock. */
  readonly sentAtUs: number;
  /** When the answer was in our hands, microseconds of the Clock. */
  readonly answeredAtUs: number;
  readonly outcome: { readonly detections: readonly Detection[] } | { readonly error: AiwError };
  /** Absent from a worker that does not report them. */
  readonly stages: WorkerStages | undefined;
  readonly usage: WorkerUsage | undefined;
}

/** What the pipeline needs of whoever takes its frames; WorkerClient satisfies it. */
export interface FrameSink {
  /** Whether a frame would be taken now. */
  canSend(): boolean;
  /** @throws FRAME_TOO_LARGE, USAGE (a pixel format that the worker does not take): nothing was sent */
  sendFrame(frame: OutgoingFrame): void;
  onResult(listener: (answer: FrameAnswer) => void): Unsubscribe;
  /** Called when `canSend` has become true. */
  onCredit(listener: () => void): Unsubscribe;
  /**
   * Called when the link is lost and may come back: a frame in flight gets no answer, and the next credit says
   * that it is back. Absent where a link that is lost is lost for good.
   */
  onCut?(listener: (why: AiwError) => void): Unsubscribe;
  /** Whether that is so now. */
  readonly isAway?: boolean;
  /** Why the link is gone for good, once it is. */
  readonly lost: AiwError | undefined;
  /** Called once when that happens; a frame in flight gets no answer then. */
  onLost(listener: (error: AiwError) => void): Unsubscribe;
}
