import { expect, it } from "vitest";
import { ManualClock } from "../testing/manual-clock.js";
import { checkClock } from "./clock.js";

/** A clock that goes on by `stepUs` at each `every`th reading. */
function ticking(stepUs: number, every = 1, wallMs = Date.UTC(2026, 0, 2)) {
  const clock = new ManualClock();
  let [us, readings] = [0, 0];
  return Object.assign(clock, {
    nowUs: () => (++readings % every === 0 ? (us += stepUs) : us),
    wallMs: () => wallMs,
    at: (_: number, fn: () => void) => {
      setImmediate(fn);
      return () => {};
    },
  });
}

const check = (clock: ManualClock) => checkClock(clock, new AbortController().signal);

it("says the steps and the date of a good clock", async () => {
  expect(await check(ticking(2))).toMatchObject({
    status: "ok",
    detail: expect.stringMatching(/^steps of 2 us or less; .*; 2026-01-02$/),
  });
});

it("warns of coarse steps and of a date that cannot be", async () => {
  expect(await check(ticking(15_600, 50))).toMatchObject({
    status: "warning",
    detail: expect.stringContaining("15.6 ms"),
  });
  expect(await check(ticking(1, 1, 5_000))).toMatchObject({
    status: "warning",
    detail: expect.stringContaining("1970-01-01"),
    advice: expect.stringContaining("NTP"),
  });
});

it("fails a clock that goes backwards or stands still", async () => {
  expect(await check(ticking(-1))).toMatchObject({
    status: "failure",
    detail: expect.stringContaining("backwards"),
  });
  expect(await check(ticking(0))).toMatchObject({
    status: "failure",
    detail: expect.stringContaining("still"),
  });
});
