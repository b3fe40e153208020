import { expect, it } from "vitest";
import { listWithin } from "./list-within.js";

it.each([
  [["a", "b", "c"], 80, "a, b, c"],
  [["person 120", "car 60", "dog 37"], 26, "person 120, car 60, dog 37"],
  [["person 120", "car 60", "dog 37"], 25, "person 120 and 2 more"],
  [["a name that is far too long"], 10, "1 kinds"],
  [[], 10, ""],
])("%j in %d columns", (items, columns, text) => {
  expect(listWithin(items, columns)).toBe(text);
});
