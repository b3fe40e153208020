import { expect, it } from "vitest";
import { fit, listWithin, wrapped } from "./columns.js";

it.each([
  [["a", "b", "c"], 80, "a, b, c"],
  [["person 120", "car 60", "dog 37"], 26, "person 120, car 60, dog 37"],
  [["person 120", "car 60", "dog 37"], 25, "person 120 and 2 more"],
  [["a name that is far too long"], 10, "1 kinds"],
  [[], 10, ""],
])("%j in %d columns", (items, columns, text) => {
  expect(listWithin(items, columns)).toBe(text);
});

it("cuts a line where the columns end, and says so", () => {
  expect(fit("abc", 3)).toBe("abc");
  expect(fit("abcd", 3)).toBe("ab…");
});

it("breaks a text at its spaces, under its beginning", () => {
  const lines = wrapped(`warning     ${"word ".repeat(40).trim()}`);
  expect(lines.length).toBe(4);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(lines[1]).toMatch(/^ {12}word/);
});
