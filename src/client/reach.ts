import { backoffMs } from "../core/backoff.js";
import { type Clock, waitUntil } from "../core/clock.js";
import { AiwError, toAiwError } from "../core/errors.js";

/** A worker that has not answered for this long was never reached, milliseconds. */
const REACH_WITHIN_MS = 10_000;
/** What the last attempt has at least: with any less it would tell of its own haste, not of the worker. */
const LEAST_ATTEMPT_MS = 500;

export interface ReachOptions {
  /** Attempts are made for this long; default 10 s. */
  readonly reachWithinMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Calls `attempt` until it succeeds, with backoff between the attempts.
 * @param attempt is told how long it may take, milliseconds
 * @throws the last attempt's error when the time is over; whatever is not WORKER_UNREACHABLE at once
 */
export async function reach<T>(
  attempt: (withinMs: number) => Promise<T>,
  clock: Clock,
  options: ReachOptions,
): Promise<T> {
  const { reachWithinMs = REACH_WITHIN_MS, signal } = options;
  const giveUpUs = clock.nowUs() + reachWithinMs * 1000;
  for (let tries = 0; ; tries++) {
    try {
      return await attempt(Math.max(LEAST_ATTEMPT_MS, (giveUpUs - clock.nowUs()) / 1000));
    } catch (thrown) {
      const error = toAiwError(thrown);
      if (error.code !== "WORKER_UNREACHABLE" || clock.nowUs() >= giveUpUs) throw lastError(error, tries);
    }
    await waitUntil(clock, Math.min(giveUpUs, clock.nowUs() + Math.ceil(backoffMs(tries) * 1000)), signal);
    signal?.throwIfAborted();
  }
}

function lastError(error: AiwError, tries: number): AiwError {
  if (error.code !== "WORKER_UNREACHABLE" || tries === 0) return error;
  return new AiwError(error.code, `${error.message}, after ${tries + 1} attempts`, { cause: error.cause });
}
