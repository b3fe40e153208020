import { type Clock, waitUntil } from "../core/clock.js";
import { type Check, verdicts } from "./check.js";

/** This version was made after it. */
const EARLIEST_WALL_MS = Date.UTC(2024, 0, 1);
const COARSE_US = 1_000;
const READINGS = 1_000;
/** A clock with steps of 16 ms has moved by then. */
const MOST_READINGS = 2_000_000;
const TIMER_US = 2_000;
const TIMERS = 5;

/**
 * The clocks that every figure rests on: their steps, and whether the date can be true. How late timers
 * fire is only said, as it is the load of this very moment that it shows.
 */
export async function checkClock(clock: Clock, signal: AbortSignal): Promise<Check> {
  const { ok, warning, failure } = verdicts("clock", "clock");
  const { stepUs, goesBack } = readSteps(clock);
  if (goesBack || stepUs === Number.POSITIVE_INFINITY) {
    return failure(
      `the monotonic clock ${goesBack ? "goes backwards" : "stands still"}`,
      "Restart this (virtual) machine, or update its host.",
    );
  }
  const date = new Date(clock.wallMs()).toISOString().slice(0, 10);
  if (clock.wallMs() < EARLIEST_WALL_MS) {
    return warning(
      `today would be ${date}: records carry wrong times, and certificates are refused`,
      "Set the clock, best by NTP (timedatectl set-ntp true).",
    );
  }
  if (stepUs > COARSE_US) {
    return warning(
      `the monotonic clock has steps of ${stepUs / 1000} ms: latencies are as coarse`,
      "Choose a better clock source of the system (on Linux tsc or kvm-clock).",
    );
  }
  return ok(
    `steps of ${stepUs} us or less; timers fire up to ${((await latestUs(clock, signal)) / 1000).toFixed(1)} ms late; ${date}`,
  );
}

/** The smallest step between readings that differ, microseconds, 1 at least. */
function readSteps(clock: Clock): { stepUs: number; goesBack: boolean } {
  let [stepUs, goesBack] = [Number.POSITIVE_INFINITY, false];
  let last = clock.nowUs();
  for (let i = 0; i < READINGS || (stepUs === Number.POSITIVE_INFINITY && i < MOST_READINGS); i++) {
    const now = clock.nowUs();
    if (now < last) goesBack = true;
    if (now > last) stepUs = Math.min(stepUs, now - last);
    last = now;
  }
  return { stepUs: Math.max(1, stepUs), goesBack };
}

async function latestUs(clock: Clock, signal: AbortSignal): Promise<number> {
  let latest = 0;
  for (let i = 0; i < TIMERS; i++) {
    const dueUs = clock.nowUs() + TIMER_US;
    await waitUntil(clock, dueUs, signal);
    latest = Math.max(latest, clock.nowUs() - dueUs);
  }
  return latest;
}
