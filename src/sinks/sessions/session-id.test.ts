import fc from "fast-check";
import { expect, it } from "vitest";
import { isSessionId, newSessionId, timeOfId } from "./session-id.js";

const ms = fc.integer({ min: 0, max: 4_000_000_000_000 });

it("sorts by its time, to the millisecond", () => {
  expect(newSessionId(1_700_000_000_999, (n) => new Uint8Array(n))).toBe("20231114T221320Z-3e70000000000000");
  fc.assert(
    fc.property(ms, ms, (a, b) => {
      const [one, other] = [newSessionId(a), newSessionId(b)];
      expect(isSessionId(one)).toBe(true);
      expect(timeOfId(one)).toBe(Math.floor(a / 1000) * 1000);
      if (a !== b) expect(one < other).toBe(a < b);
    }),
  );
});

it("is no other name", () => {
  expect(isSessionId("../20231114T221320Z-3e70000000000000")).toBe(false);
  expect(isSessionId("20231114T221320Z-3e70000000000000\n")).toBe(false);
  expect(isSessionId("20239914T221320Z-3e70000000000000")).toBe(false);
  expect(timeOfId("notes")).toBeNaN();
});
