import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blankFrame } from "../testing/blank-frame.js";
import { KeptFrame } from "./kept-frame.js";

function setUp() {
  const count = { released: 0 };
  const kept = new KeptFrame(blankFrame({ release: () => count.released++ }));
  return { kept, count };
}

describe("KeptFrame", () => {
  it("gives the buffer back once, when the last one has let go, whatever the order", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 20 }), (order) => {
        const { kept, count } = setUp();
        const holders = order.map(() => kept.keep());
        while (holders.length > 0) {
          expect(count.released).toBe(0);
          const [letGo] = holders.splice((order[holders.length - 1] ?? 0) % holders.length, 1);
          letGo?.();
          // One that lets go twice takes nothing from the others.
          letGo?.();
        }
        expect(count.released).toBe(1);
      }),
    );
  });

  it("refuses who comes too late", () => {
    const { kept } = setUp();
    kept.keep()();
    expect(() => kept.keep()).toThrow("given back already");
  });
});
