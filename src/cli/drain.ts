import type { Stream } from "../pipeline/stream.js";

/** How long an interrupted run waits for the frame in flight, milliseconds. */
const INTERRUPTED_WAIT_MS = 1_500;

/** Waits until nothing is in flight; once interrupted, at most a moment more. */
export async function drain(stream: Stream, interrupt: AbortSignal): Promise<void> {
  const giveUp = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onInterrupt = () => {
    timer = setTimeout(() => giveUp.abort(), INTERRUPTED_WAIT_MS);
  };
  if (interrupt.aborted) onInterrupt();
  else interrupt.addEventListener("abort", onInterrupt);
  await stream.whenIdle(giveUp.signal);
  interrupt.removeEventListener("abort", onInterrupt);
  clearTimeout(timer);
}
