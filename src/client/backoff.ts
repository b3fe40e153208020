/** First and longest bound of the wait before another attempt, milliseconds. */
const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/**
 * Wait before attempt `attempt` (0 = the first retry): exponential backoff with full jitter, that is
 * uniform in [0, min(30 s, 0.5 s x 2^attempt)), so that many clients of one worker spread out.
 * Source: M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
 * @param random uniform in [0, 1)
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt);
}
