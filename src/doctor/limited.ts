import { AiwError } from "../core/errors.js";
import { interrupted } from "../worker-process/run-command.js";

/** How long what was told to stop may take to do so (commands are asked, and killed after 2 s). */
const STOP_WAIT_MS = 5_000;

/**
 * Runs `work` and gives up on it after a time, so that nothing that hangs (a shim, a network folder)
 * can hold all up.
 * @param work stops what it has started when its signal aborts
 * @throws whatever `work` throws; CHECK_TIMEOUT when the time is over; the outer signal's reason
 */
export async function limited<T>(
  work: (signal: AbortSignal) => Promise<T>,
  limitMs: number,
  outer: AbortSignal,
  stopWaitMs = STOP_WAIT_MS,
): Promise<T> {
  if (outer.aborted) throw interrupted(outer);
  const controller = new AbortController();
  const onAbort = () => controller.abort(interrupted(outer));
  outer.addEventListener("abort", onAbort);
  const timer = setTimeout(() => {
    controller.abort(new AiwError("CHECK_TIMEOUT", `no answer within ${limitMs / 1000} s`));
  }, limitMs);
  let giveUpTimer: NodeJS.Timeout | undefined;
  const givenUp = new Promise<never>((_, reject) => {
    controller.signal.addEventListener("abort", () => {
      giveUpTimer = setTimeout(() => reject(controller.signal.reason), stopWaitMs);
    });
  });
  try {
    return await Promise.race([work(controller.signal), givenUp]);
  } catch (error) {
    // What a stopped work throws is only a consequence.
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    clearTimeout(timer);
    clearTimeout(giveUpTimer);
    outer.removeEventListener("abort", onAbort);
  }
}
