import { round } from "../core/round.js";
import type { Size } from "../frame/pixel-format.js";
import type { Detection } from "./detection.js";
import { boxRecord } from "./record.js";
import type { FrameLatency } from "./stages.js";

const EVENT_SCHEMA = "aiw.event/1";

/** Where the watch over a camera is; see agent/state-machine.ts. */
export type WatchState = "idle" | "dwell" | "active" | "closing";

/** Why a session was closed. */
export type CloseReason =
  /** Nothing relevant was seen for the silence time and the post-roll. */
  | "silence"
  /** As before, while the camera was away, or the worker. */
  | "camera_lost"
  | "worker_lost"
  /** The camera's stream came to its end: a file's. */
  | "ended"
  /** The agent was stopped, or the camera taken out of its configuration. */
  | "stopped"
  /** The agent was killed; its next start closed what it had left, and tells of it before it watches anything. */
  | "recovered";

interface Base {
  /** Name of the camera, credentials masked. */
  readonly camera: string;
  /** Wall clock, milliseconds since 1970: for records only, it may step. */
  readonly wallMs: number;
}

/** What is told of each frame in which something was found. */
export interface DetectionEvent extends Base {
  readonly seq: number;
  /** Of the session that it belongs to; null outside of one. */
  readonly session: string | null;
  /** Whether one of the detections is: of a class that is watched for, and at least as sure as the threshold. */
  readonly relevant: boolean;
  readonly detections: readonly (Detection & { readonly relevant: boolean })[];
  /** Size of the frame as sent, which the boxes are in, and of the camera's own, which they are told in. */
  readonly sent: Size;
  readonly origin: Size;
  readonly latency: FrameLatency;
}

/** A session is open, and nothing relevant was seen for two seconds, or for two more. */
export interface KeepaliveEvent extends Base {
  readonly session: string;
  readonly state: WatchState;
}

export interface SessionOpenEvent extends Base {
  readonly session: string;
  /** When what it is about was first seen, before it was confirmed; wall clock, milliseconds. */
  readonly startWallMs: number;
}

export interface SessionCloseEvent extends Base {
  readonly session: string;
  readonly startWallMs: number;
  readonly reason: CloseReason;
  /** Frames with a result, and detections of each class in them. */
  readonly results: number;
  readonly byClass: Readonly<Record<string, number>>;
}

export interface CameraStateEvent extends Base {
  /** "connecting", "live", "stalled", "blocked", "lost" or "ended". */
  readonly state: string;
  readonly before: string | null;
  /** For people; credentials masked. */
  readonly text: string;
}

/** Of a camera's own connection to the worker. */
export interface WorkerStateEvent extends Base {
  readonly state: "ready" | "lost" | "gone";
  readonly text: string;
}

export interface TransitionEvent extends Base {
  readonly from: WatchState;
  readonly to: WatchState;
  readonly because: string;
  readonly session: string | null;
}

/** The bus's events by name. */
export interface AgentEvents {
  "ai.detection": DetectionEvent;
  "ai.keepalive": KeepaliveEvent;
  "session.open": SessionOpenEvent;
  "session.close": SessionCloseEvent;
  "camera.state": CameraStateEvent;
  "worker.state": WorkerStateEvent;
  "fsm.transition": TransitionEvent;
}

export type AgentEventName = keyof AgentEvents;

/** Any of them, with its name. */
export type AgentEvent = {
  [Name in AgentEventName]: { readonly name: Name; readonly value: AgentEvents[Name] };
}[AgentEventName];

export const AGENT_EVENT_NAMES = [
  "ai.detection",
  "ai.keepalive",
  "session.open",
  "session.close",
  "camera.state",
  "worker.state",
  "fsm.transition",
] as const satisfies readonly AgentEventName[];

/**
 * What is written of an event, by every output: the record `aiw.event/1`. Boxes are in pixels of the camera's own
 * frame, latencies in milliseconds (null where the worker does not report a stage).
 */
export function eventRecord(event: AgentEvent): object {
  return event.name === "ai.detection" ? detectionEventRecord(event.value) : rareEventRecord(event);
}

/** Written out, and nothing spread: it is done for every frame, see results/record.ts. */
function detectionEventRecord(value: DetectionEvent): object {
  return {
    schema: EVENT_SCHEMA,
    event: "ai.detection",
    time: iso(value.wallMs),
    camera: value.camera,
    session: value.session,
    seq: value.seq,
    relevant: value.relevant,
    width: value.origin.width,
    height: value.origin.height,
    latency_ms: { total: value.latency.total / 1000, inference: milliseconds(value.latency.inference) },
    detections: value.detections.map((one) => detectionOf(one, value.sent, value.origin)),
  };
}

function rareEventRecord({ name, value }: Exclude<AgentEvent, { name: "ai.detection" }>): object {
  const head = { schema: EVENT_SCHEMA, event: name, time: iso(value.wallMs), camera: value.camera };
  switch (name) {
    case "ai.keepalive":
      return { ...head, session: value.session, state: value.state };
    case "session.open":
      return { ...head, session: value.session, start: iso(value.startWallMs) };
    case "session.close": {
      const { session, reason, results, byClass } = value;
      return { ...head, session, start: iso(value.startWallMs), reason, results, by_class: byClass };
    }
    case "camera.state":
      return { ...head, state: value.state, before: value.before, text: value.text };
    case "worker.state":
      return { ...head, state: value.state, text: value.text };
    case "fsm.transition": {
      const { session, from, to, because } = value;
      return { ...head, session, from, to, because };
    }
  }
}

function detectionOf(
  detection: Detection & { readonly relevant: boolean },
  sent: Size,
  origin: Size,
): object {
  return {
    class: detection.className,
    class_id: detection.classId,
    confidence: round(detection.confidence, 4),
    relevant: detection.relevant,
    box: boxRecord(detection, sent, origin),
    track_id: detection.trackId,
  };
}

const iso = (wallMs: number) => new Date(wallMs).toISOString();
const milliseconds = (us: number | null) => (us === null ? null : us / 1000);
