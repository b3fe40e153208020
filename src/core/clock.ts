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
  /**
   * Calls `fn` once `nowUs() >= dueUs`, never earlier and never before this call returned.
   * @param mayBlock asked up to 2 ms before: true where nothing else of the process is waited for, so that it
   *   may sleep until then
   */
  at(dueUs: number, fn: () => void, mayBlock?: () => boolean): Cancel;
}

/** Calls `fn` after `delayUs` microseconds. */
export function after(clock: Clock, delayUs: number, fn: () => void): Cancel {
  return clock.at(clock.nowUs() + delayUs, fn);
}

/** Resolves once `nowUs() >= dueUs`, or as soon as `signal` aborts. @param mayBlock see Clock.at */
export function waitUntil(
  clock: Clock,
  dueUs: number,
  signal?: AbortSignal,
  mayBlock?: () => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.at(dueUs, done, mayBlock);
    signal?.addEventListener("abort", done);
  });
}

/** Longest delay that setTimeout takes, milliseconds. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** A sleep ends about this much later than it should, microseconds: the kernel's timer slack and the way back. */
const SLEEP_LATE_US = 120;
/** Nobody wakes it: who waits for it sleeps until its time is over. */
const NEVER = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** Sleeps and then spins until `dueUs`; the event loop stands still meanwhile. */
function blockUntil(dueUs: number): void {
  const sleepUs = dueUs - systemClock.nowUs() - SLEEP_LATE_US;
  if (sleepUs > 0) Atomics.wait(NEVER, 0, 0, sleepUs / 1000);
  // Not by nowUs: thousands of its BigInts a frame would be most of what a run allocates.
  const untilMs = performance.now() + (dueUs - systemClock.nowUs()) / 1000;
  while (performance.now() < untilMs);
}

/**
 * The machine's clocks. setTimeout counts whole milliseconds from a cached time and so comes up to
 * 1 ms late, which would count against every paced frame; the last one or two milliseconds are therefore
 * slept through where nothing else is waited for, and spent polling between the event loop's other work where
 * something is. Polling takes all of a core's time.
 */
export const systemClock: Clock = {
  nowUs: () => Number(process.hrtime.bigint() / 1000n),
  wallMs: () => Date.now(),
  at(dueUs, fn, mayBlock = () => false) {
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
      if (mayBlock()) blockUntil(dueUs);
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
