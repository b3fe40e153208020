import { randomBytes } from "node:crypto";

/** As the worker's: a time to the second, and 16 hex digits. All of it is fit for a folder's name on every system. */
const PATTERN = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z-[0-9a-f]{16}$/;
/** Hex digits that hold a time's milliseconds, 0..999. */
const MS_DIGITS = 3;
const RANDOM_DIGITS = 13;

/**
 * Id and folder name of a session: "20261126T144111Z-0a31f6e2b97c4d58". Those of different times sort by them, to
 * the millisecond, which the first three hex digits are; the other 52 bits are random.
 * @param wallMs wall clock, milliseconds since 1970
 * @param random gives so many random bytes
 */
export function newSessionId(wallMs: number, random: (bytes: number) => Uint8Array = randomBytes): string {
  const time = new Date(wallMs);
  const stamp = time.toISOString().replace(/[-:]|\.\d+/g, "");
  const ms = time.getUTCMilliseconds().toString(16).padStart(MS_DIGITS, "0");
  const bytes = Buffer.from(random(Math.ceil(RANDOM_DIGITS / 2)));
  return `${stamp}-${ms}${bytes.toString("hex").slice(0, RANDOM_DIGITS)}`;
}

export function isSessionId(name: string): boolean {
  return PATTERN.test(name) && Number.isFinite(timeOfId(name));
}

/** When the session of this id was begun, to the second: milliseconds since 1970; NaN of what is no id. */
export function timeOfId(id: string): number {
  return Date.parse(id.replace(PATTERN, "$1-$2-$3T$4:$5:$6Z"));
}
