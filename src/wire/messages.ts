import type { Box } from "../frame/box.js";
import type { WorkerStages, WorkerUsage } from "../results/stages.js";

/** The wire's messages as the rest of the client sees them; codec.ts turns them into bytes and back. */

export interface InitRequest {
  readonly modelPath: string;
  /** Model input in pixels that is asked for; 0 = as the model says. */
  readonly width: number;
  readonly height: number;
  /** 0..1 */
  readonly confThreshold: number;
  /** 0..1 */
  readonly iouThreshold: number;
  /** Class ids to report; empty = all. */
  readonly classes: readonly number[];
  readonly clientId: string;
  /** Execution provider that must have started; "" = any. */
  readonly requireProvider: string;
  /** A session to take up again; "" = a new one. */
  readonly sessionId: string;
  /** What the worker asks its clients for; "" = nothing. Never to be shown. */
  readonly token: string;
  /** Higher goes first among waiting clients. */
  readonly priority: number;
}

export interface FrameHeader {
  readonly seq: number;
  /** Capture time (of a paced source the due time), RFC 3339. */
  readonly timeIso: string;
  /** The same on CLOCK_MONOTONIC, microseconds. */
  readonly monoUs: number;
  readonly width: number;
  readonly height: number;
  /** The wire's name ("RGB"). */
  readonly pixelFormat: string;
}

export interface WireDetection {
  readonly className: string;
  /** Absent from a worker that knows only the wire's table. */
  readonly classId: number | undefined;
  readonly confidence: number;
  /** Pixels of the frame that was sent. */
  readonly box: Box;
  readonly trackId: string;
}

export interface InitOkMessage {
  readonly kind: "initOk";
  readonly runtime: string;
  readonly modelVersion: string;
  readonly classNames: readonly string[];
  /** 0 = not said */
  readonly maxFrameBytes: number;
  readonly providers: readonly string[];
  readonly modelId: string;
  readonly workerVersion: string;
  readonly pixelFormats: readonly string[];
  /** NCHW; empty = not said */
  readonly inputShape: readonly number[];
  readonly family: string;
  readonly engine: string;
  /** 0 = not said */
  readonly threads: number;
  readonly warnings: readonly string[];
  /** "" = the worker keeps no sessions */
  readonly sessionId: string;
}

export interface ResultMessage {
  readonly kind: "result";
  readonly seq: number;
  readonly detections: readonly WireDetection[];
  /** Absent from a worker that knows only the wire's table. */
  readonly stages: WorkerStages | undefined;
  readonly usage: WorkerUsage | undefined;
}

export interface ErrorMessage {
  readonly kind: "error";
  readonly code: number;
  readonly message: string;
  /** "" = not said */
  readonly name: string;
  /** Absent = the frame in flight, or the connection. */
  readonly seq: number | undefined;
  /** After how long the same request may succeed; undefined = never. */
  readonly retryAfterMs: number | undefined;
}

export type WorkerMessage =
  | InitOkMessage
  | ResultMessage
  | ErrorMessage
  | { readonly kind: "ready"; readonly seq: number }
  | { readonly kind: "heartbeat" }
  | { readonly kind: "unknown" };
