import { expect, it } from "vitest";
import { ManualClock } from "../testing/manual-clock.js";
import { ToldKinds } from "./told-kinds.js";

it("has each kind told once, and anew after it went well and a minute is over", async () => {
  const clock = new ManualClock();
  const told = new ToldKinds(clock);
  expect([told.isNews("a"), told.isNews("a"), told.isNews("b")]).toEqual([true, false, true]);
  await clock.advanceBy(60_000_000);
  expect(told.isNews("a")).toBe(false);
  told.goesWell();
  expect([told.isNews("a"), told.isNews("a"), told.isNews("b")]).toEqual([true, false, true]);
  told.goesWell();
  await clock.advanceBy(59_999_999);
  expect(told.isNews("a")).toBe(false);
  await clock.advanceBy(1);
  expect([told.isNews("a"), told.isNews("a")]).toEqual([true, false]);
});
