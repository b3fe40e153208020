import type { Clock } from "../core/clock.js";
import type { CloseReason } from "../results/agent-event.js";
import type { FrameOutcome, FrameResult } from "../results/frame-outcome.js";
import type { EventBus } from "./event-bus.js";

/** What a session is about, known from its start on. */
export interface SessionStart {
  readonly camera: string;
  /** Wall clock, milliseconds since 1970, of the first frame. */
  readonly startWallMs: number;
  /** SHA-256 of the model file, hex. */
  readonly modelId: string;
}

export interface SessionEnd {
  /** The start and the session's length, so that a wall clock that stepped meanwhile does no harm. */
  readonly endWallMs: number;
  readonly reason: CloseReason;
}

/** Keeps one session; nothing of it throws or holds up the frame at hand. */
export interface SessionKeeping {
  readonly id: string;
  append(outcome: FrameOutcome): void;
  /** Offers a frame, whose pixels are kept while this is called, for the session's picture. */
  poster(outcome: FrameResult, confidence: number): void;
  /** Idempotent. */
  close(end: SessionEnd): void;
}

/** Where sessions are kept. */
export interface SessionKeeper {
  begin(start: SessionStart): SessionKeeping;
}

/** Told when the recorder of a camera is to begin and to end. */
export type RecorderHook = (
  action: "start" | "stop",
  session: SessionStart & { readonly id: string } & Partial<SessionEnd>,
) => void;

/** What a watch needs of the world. */
export interface WatchPorts {
  readonly clock: Clock;
  readonly bus: EventBus;
  readonly sessions: SessionKeeper;
  readonly recorder: RecorderHook;
}
