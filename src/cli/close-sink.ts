import type { OutcomeSink } from "../sinks/outcome-sink.js";
import { STALLED_READER_MS, withGrace } from "./with-grace.js";

/**
 * Closes a sink. A reader that takes nothing any more is not waited for once we are interrupted.
 * @throws OUTPUT_FAILED
 */
export function closeSink(sink: OutcomeSink, interrupt: AbortSignal): Promise<void> {
  return withGrace(
    interrupt,
    () => STALLED_READER_MS,
    (giveUp) => sink.close(giveUp),
  );
}
