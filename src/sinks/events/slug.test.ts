import fc from "fast-check";
import { expect, it } from "vitest";
import { slugOf } from "./slug.js";

it.each([
  ["front", "front"],
  ["Front_door-2", "Front_door-2"],
])("keeps %s", (name, slug) => {
  expect(slugOf(name)).toBe(slug);
});

it.each([
  ["Front door", /^Front-door-[0-9a-f]{8}$/],
  ["Eingangstür", /^Eingangstur-[0-9a-f]{8}$/],
  ["", /^camera-[0-9a-f]{8}$/],
  ["#/+", /^camera-[0-9a-f]{8}$/],
  ["rtsp://***@10.0.0.2:554/1", /^rtsp-10-0-0-2-554-1-[0-9a-f]{8}$/],
  ["cam-0123abcd", /^cam-0123abcd-[0-9a-f]{8}$/],
])("makes of %j a level of its own", (name, slug) => {
  expect(slugOf(name)).toMatch(slug);
});

const name = fc.string({
  unit: fc.oneof(fc.constantFrom(..."ab-/+# é_."), fc.string({ minLength: 1, maxLength: 1 })),
});

it("is one level of a topic and part of an id, and the same each time", () => {
  fc.assert(
    fc.property(name, (text) => {
      expect(slugOf(text)).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,49}$/);
      expect(slugOf(text)).toBe(slugOf(text));
    }),
  );
});

it("tells any two names apart, and its own results too", () => {
  fc.assert(
    fc.property(name, name, (a, b) => {
      fc.pre(a !== b);
      expect(slugOf(a)).not.toBe(slugOf(b));
      if (slugOf(a) !== b) expect(slugOf(slugOf(a))).not.toBe(slugOf(b));
    }),
  );
});
