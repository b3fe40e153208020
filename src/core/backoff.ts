/** First bound of the wait before another attempt, milliseconds. */
const FIRST_MS = 500;
/** Its longest unless told otherwise, milliseconds. */
const LONGEST_MS = 30_000;

export interface BackoffOptions {
  /** Uniform in [0, 1). */
  readonly random?: (() => number) | undefined;
  readonly longestMs?: number;
}

/**
 * Wait before attempt `attempt` (0 = the first retry): exponential backoff with full jitter, that is
 * uniform in [0, min(longest, 0.5 s x 2^attempt)), so that many clients of one server spread out.
 * Source: M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
 */
export function backoffMs(attempt: number, options: BackoffOptions = {}): number {
  const { random = Math.random, longestMs = LONGEST_MS } = options;
  return random() * Math.min(longestMs, FIRST_MS * 2 ** attempt);
}
