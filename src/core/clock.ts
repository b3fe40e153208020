/** Cancels what was asked for; calling it twice, or too late, does nothing. */
export type Cancel = () => void;

/**
 * The only source of time. Tests drive one of their own (see testing/manual-clock.ts), so that
 * timing never decides a test.
 */
export interface Clock {
  /** Monotonic time, integer microseconds (CLOCK_MONOTONIC on Linux). */
  nowUs(): number;
  /** Wall-clock time, milliseconds since 1970; for records only, it may step. */
  wallMs(): number;
  /** Calls `fn` once `nowUs() >= dueUs`, never earlier and never before this call returned. */
  at(dueUs: number, fn: () => void): Cancel;
}

/** Calls `fn` after `delayUs` microseconds. */
export function after(clock: Clock, delayUs: number, fn: () => void): Cancel {
  return clock.at(clock.nowUs() + delayUs, fn);
}

/** Resolves once `nowUs() >= dueUs`, or as soon as `signal` aborts. */
export function waitUntil(clock: Clock, dueUs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.at(dueUs, done);
    signal?.addEventListener("abort", done);
  });
}

/** Longest delay that setTimeout takes, milliseconds. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * The machine's clocks. setTimeout counts whole milliseconds from a cached time and so comes up to
 * 1 ms late, which would count against every paced frame; the last part of a millisecond is therefore
 * spent polling between the event loop's other work.
 */
export const systemClock: Clock = {
  nowUs: () => Number(process.hrtime.bigint() / 1000n),
  wallMs: () => Date.now(),
  at(dueUs, fn) {
    let timeout: NodeJS.Timeout | undefined;
    let immediate: NodeJS.Immediate | undefined;
    const arm = () => {
      const nowUs = systemClock.nowUs();
      // The event loop's time is the clock's, cut to whole milliseconds: this many of its steps, less
      // the one by which it wakes late, end just before the due time.
      const steps = Math.floor(dueUs / 1000) - Math.floor(nowUs / 1000) - 1;
      if (dueUs <= nowUs) immediate = setImmediate(fn);
      else if (steps < 1) immediate = setImmediate(poll);
      else timeout = setTimeout(arm, Math.min(steps, MAX_TIMEOUT_MS));
    };
    const poll = () => {
      if (systemClock.nowUs() >= dueUs) fn();
      else immediate = setImmediate(poll);
    };
    arm();
    return () => {
      clearTimeout(timeout);
      clearImmediate(immediate);
    };
  },
};
