import { AiwError } from "../core/errors.js";

/**
 * Where a camera is:
 * - `connecting`: being opened, or open without a frame so far
 * - `live`: frames come and are taken
 * - `stalled`: open, but no frame came within a bound
 * - `blocked`: frames come, and we are too slow to take them
 * - `lost`: its stream broke
 * - `ended`: its stream was brought to an end by who sends it
 */
export type CameraState = "connecting" | "live" | "stalled" | "blocked" | "lost" | "ended";

/**
 * - `frame`: one came, and there was room for it
 * - `overrun`: frames give way to younger ones, or we ourselves stood still
 * - `silence`: none came within the bound
 * - `resized`: its frames have another size, for which it is opened anew
 * - `retry`: it is opened again
 */
export type CameraEvent = "frame" | "overrun" | "silence" | "resized" | "broke" | "ended" | "retry";

/** The one transition table. What is missing can't happen. */
const TRANSITIONS: Readonly<Record<CameraState, Partial<Record<CameraEvent, CameraState>>>> = {
  connecting: {
    frame: "live",
    overrun: "connecting",
    silence: "connecting",
    resized: "connecting",
    broke: "lost",
    ended: "ended",
  },
  live: {
    frame: "live",
    overrun: "blocked",
    silence: "stalled",
    resized: "connecting",
    broke: "lost",
    ended: "ended",
  },
  stalled: {
    frame: "live",
    overrun: "blocked",
    silence: "stalled",
    resized: "connecting",
    broke: "lost",
    ended: "ended",
  },
  blocked: {
    frame: "live",
    overrun: "blocked",
    silence: "stalled",
    resized: "connecting",
    broke: "lost",
    ended: "ended",
  },
  lost: { retry: "connecting" },
  ended: { retry: "connecting" },
};

/** @throws INTERNAL when `event` can't happen in `state` */
export function nextCameraState(state: CameraState, event: CameraEvent): CameraState {
  const next = TRANSITIONS[state][event];
  if (next === undefined)
    throw new AiwError("INTERNAL", `a camera that is ${state} can't have "${event}" happen to it`);
  return next;
}

/** A camera went from one state to another. */
export interface CameraChange {
  /** The camera's name, credentials masked. */
  readonly source: string;
  readonly from: CameraState;
  readonly to: CameraState;
  /** Why, or what comes, for people: ffmpeg's own words where it has some, credentials masked. */
  readonly text: string;
  /** All that ffmpeg said last, credentials masked. */
  readonly detail: string | undefined;
  /** Of one that is lost or has ended: whether it is opened again. */
  readonly isAwaited: boolean;
  /** Microseconds of the Clock. */
  readonly atUs: number;
}
