import { expect, it } from "vitest";
import { ResultTimes } from "./result-times.js";

it("gives back each time as it was added, over many chunks", () => {
  const times = new ResultTimes();
  expect([...times]).toEqual([]);
  const all = Array.from({ length: 10_000 }, (_, i) => ({
    dueUs: i * 83_333 - 5000,
    totalUs: 50_000 + i,
    inferenceUs: i % 3 === 0 ? null : i,
  }));
  for (const { dueUs, totalUs, inferenceUs } of all) times.add(dueUs, totalUs, inferenceUs);
  expect([...times]).toEqual(all);
});
