import type { Stream } from "../pipeline/stream.js";
import { withGrace } from "./with-grace.js";

/** How long an interrupted run waits for the frame in flight, milliseconds. */
const INTERRUPTED_WAIT_MS = 1_200;

/** Waits until nothing is in flight; once interrupted, at most a moment more, and not for a link that is away. */
export function drain(stream: Stream, interrupt: AbortSignal): Promise<void> {
  const graceMs = () => (stream.isAway ? 0 : INTERRUPTED_WAIT_MS);
  return withGrace(interrupt, graceMs, (giveUp) => stream.whenIdle(giveUp));
}
