import type { OutcomeSink } from "../sinks/outcome-sink.js";

/** How long an interrupted run still waits for the reader of its output, milliseconds. */
const STALLED_READER_MS = 500;

/**
 * Closes a sink. A reader that takes nothing any more is not waited for once we are interrupted.
 * @throws OUTPUT_FAILED
 */
export async function closeSink(sink: OutcomeSink, interrupt: AbortSignal): Promise<void> {
  const giveUp = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const soon = () => {
    timer = setTimeout(() => giveUp.abort(), STALLED_READER_MS);
  };
  if (interrupt.aborted) soon();
  else interrupt.addEventListener("abort", soon);
  try {
    await sink.close(giveUp.signal);
  } finally {
    interrupt.removeEventListener("abort", soon);
    clearTimeout(timer);
  }
}
