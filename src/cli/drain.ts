import type { Stream } from "../pipeline/stream.js";
import { withGrace } from "./with-grace.js";

/** How long an interrupted run waits for the frame in flight, milliseconds. */
const INTERRUPTED_WAIT_MS = 1_500;

/** Waits until nothing is in flight; once interrupted, at most a moment more. */
export function drain(stream: Stream, interrupt: AbortSignal): Promise<void> {
  return withGrace(interrupt, INTERRUPTED_WAIT_MS, (giveUp) => stream.whenIdle(giveUp));
}
