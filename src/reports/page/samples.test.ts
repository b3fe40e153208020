import { expect, it } from "vitest";
import type { Timeline } from "../../bench/report-schema.js";
import { samplesOf, spanOf } from "./samples.js";

const rowsOf = (results: number[]) =>
  samplesOf({ interval_s: 0.5, results } as unknown as Timeline).map((row) => row.map(({ index }) => index));

it.each([
  ["nothing", [0, 0], []],
  ["one", [0, 1, 0], [[1]]],
  ["a frame in every other slice", [1, 0, 2, 0, 1], [[0, 2, 4]]],
  ["nothing for as long as usual three times over", [1, 1, 0, 0, 1, 1], [[0, 1, 4, 5]]],
  [
    "nothing for longer",
    [1, 1, 0, 0, 0, 1, 1],
    [
      [0, 1],
      [5, 6],
    ],
  ],
])("has a gap where nothing came for much longer than usual: %s", (_, results, rows) => {
  expect(rowsOf(results)).toEqual(rows);
});

it("says which time a slice is", () => {
  expect(spanOf(97, 0.125)).toBe("12.125\u201312.25 s");
});
