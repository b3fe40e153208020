import { expect, it } from "vitest";
import { retryAfterMs, verdictOf } from "./webhook-verdict.js";

it.each([
  [200, "taken"],
  [299, "taken"],
  [199, "refused"],
  [304, "refused"],
  [404, "refused"],
  [408, "again"],
  [429, "again"],
  [500, "again"],
  [599, "again"],
])("%i is %s", (status, verdict) => {
  expect(verdictOf(status)).toBe(verdict);
});

const NOW = Date.parse("2026-01-01T00:00:00Z");

it.each([
  [undefined, 0],
  ["", 0],
  ["3", 3000],
  ["-3", 0],
  ["1e9", 0],
  ["999999999999", 300_000],
  ["Thu, 01 Jan 2026 00:00:09 GMT", 9000],
  ["Thu, 01 Jan 2025 00:00:09 GMT", 0],
  ["Thu, 01 Jan 2027 00:00:09 GMT", 300_000],
])("Retry-After: %s", (header, ms) => {
  expect(retryAfterMs(header, NOW)).toBe(ms);
});
