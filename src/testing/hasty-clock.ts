import { type Clock, systemClock } from "../core/clock.js";

/**
 * A clock that runs so many times faster than the machine's, for tests that go through silences and waits of
 * many seconds again and again: what they check must hold however long anything takes.
 */
export function hastyClock(times: number): Clock {
  const startUs = systemClock.nowUs();
  const nowUs = () => startUs + Math.round((systemClock.nowUs() - startUs) * times);
  return {
    nowUs,
    wallMs: () => systemClock.wallMs(),
    at(dueUs, fn) {
      const inUs = Math.max(0, Math.ceil((dueUs - nowUs()) / times));
      return systemClock.at(systemClock.nowUs() + inUs, () => fn());
    },
  };
}
