import { expect, it } from "vitest";
import { AiwError } from "./errors.js";
import { printable } from "./printable.js";

it.each([
  ["\x1b[31mred\x07", "?[31mred?"],
  ["a\u202eb\u2066c\u2028d\x9be", "a?b?c?d?e"],
  ["straße 犬 🐕 person", "straße 犬 🐕 person"],
])("%j", (text, shown) => {
  expect(printable(text)).toBe(shown);
});

it("holds for the one line of every error", () => {
  expect(new AiwError("INTERNAL", "output \x1b]0;x\x07\n of y").message).toBe("output ?]0;x? of y");
});
