/** How long a receiver may have us wait, milliseconds. */
const LONGEST_WAIT_MS = 300_000;

/** What a status says of an event: taken, to be sent again, or never. */
export type Verdict = "taken" | "again" | "refused";

export function verdictOf(status: number): Verdict {
  if (status >= 200 && status < 300) return "taken";
  // Too slow for it, too many for it, out of order: later it may well take it.
  if (status === 408 || status === 429 || status >= 500) return "again";
  return "refused";
}

/**
 * What a Retry-After asks for, milliseconds from now, 0..5 min; 0 where it says nothing that is understood.
 * Seconds, or a date (RFC 9110, 10.2.3).
 * @param wallMs now
 */
export function retryAfterMs(header: string | undefined, wallMs: number): number {
  if (header === undefined) return 0;
  const asked = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - wallMs;
  return Number.isNaN(asked) ? 0 : Math.min(Math.max(asked, 0), LONGEST_WAIT_MS);
}
