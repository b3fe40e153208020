import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TrueObject } from "../frame/truth.js";
import { MOST_OBJECTS } from "./limits.js";
import { SCENE_CLASSES, type SceneOptions, SyntheticScene } from "./synthetic-scene.js";

const PLAIN: SceneOptions = { width: 160, height: 120, seed: 7, objects: 6, fps: 12, crowded: false };

function drawn(number: number, options: Partial<SceneOptions> = {}) {
  const all = { ...PLAIN, ...options };
  const pixels = new Uint8Array(3 * all.width * all.height);
  const truth = new SyntheticScene(all).draw(pixels, number);
  return { pixels, truth };
}

function hash(number: number, options: Partial<SceneOptions> = {}): string {
  const { pixels, truth } = drawn(number, options);
  return createHash("sha256").update(pixels).update(JSON.stringify(truth)).digest("hex").slice(0, 16);
}

describe("SyntheticScene", () => {
  it.each([
    ["a plain scene", 11, {}, "fc9c44d0488d5b07"],
    ["a crowd", 300, { seed: 3, objects: 12, crowded: true }, "a097c397e0c4ce75"],
    ["the size that is sent", 40, { seed: 1, width: 640, height: 480 }, "f6ceba03cf94de2a"],
  ] as const)(
    "has the same pixels and truth for a seed on every machine: %s",
    (_, number, options, wanted) => {
      expect(hash(number, options)).toBe(wanted);
    },
  );

  it("differs from seed to seed and from frame to frame, and not from drawing to drawing", () => {
    expect(new Set([hash(0), hash(0, { seed: 8 }), hash(1)]).size).toBe(3);
    expect(hash(9)).toBe(hash(9));
  });

  it("draws any frame at any time: what came before does not matter", () => {
    const scene = new SyntheticScene(PLAIN);
    const pixels = new Uint8Array(3 * 160 * 120);
    for (const number of [500, 3, 77]) scene.draw(pixels, number);
    const again = new Uint8Array(pixels.length);
    expect(scene.draw(again, 77)).toEqual(drawn(77).truth);
    expect(again).toEqual(drawn(77).pixels);
  });

  it("fills every pixel of odd and tiny sizes", () => {
    for (const [width, height] of [
      [1, 1],
      [33, 17],
      [3, 200],
      [200, 3],
    ] as const) {
      const { pixels } = drawn(5, { width, height });
      expect(pixels.includes(0)).toBe(false);
    }
  });

  it("keeps an object's identity while it moves, and shows all classes in time", () => {
    const scene = new SyntheticScene({ ...PLAIN, width: 320, height: 240 });
    const pixels = new Uint8Array(3 * 320 * 240);
    const classes = new Map<number, string>();
    let before = new Map<number, TrueObject>();
    let followed = 0;
    for (let number = 0; number < 600; number += 1) {
      const truth = scene.draw(pixels, number);
      expect(new Set(truth.map(({ id }) => id)).size).toBe(truth.length);
      for (const object of truth) {
        expect(classes.get(object.id) ?? object.className).toBe(object.className);
        classes.set(object.id, object.className);
        const last = before.get(object.id);
        if (last === undefined || Math.min(last.visible, object.visible) < 0.95) continue;
        followed += 1;
        const moved = Math.abs(last.box.x + last.box.w / 2 - object.box.x - object.box.w / 2);
        expect(moved).toBeLessThan(20);
      }
      before = new Map(truth.map((object) => [object.id, object]));
    }
    expect(followed).toBeGreaterThan(300);
    expect(new Set(classes.values())).toEqual(new Set(SCENE_CLASSES));
  });

  it("knows what can be seen: boxes inside the frame, shares in 0..1, at most the objects asked for", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.integer({ min: 0, max: 14 }),
        fc.integer({ min: 0, max: 100_000 }),
        fc.boolean(),
        (seed, objects, number, crowded) => {
          const { truth } = drawn(number, { seed, objects, crowded });
          expect(truth.length).toBeLessThanOrEqual(objects);
          for (const { box, visible } of truth) {
            expect(box.x).toBeGreaterThanOrEqual(0);
            expect(box.y).toBeGreaterThanOrEqual(0);
            expect(box.x + box.w).toBeLessThanOrEqual(160);
            expect(box.y + box.h).toBeLessThanOrEqual(120);
            expect(Math.min(box.w, box.h)).toBeGreaterThanOrEqual(1);
            expect(visible).toBeGreaterThan(0);
            expect(visible).toBeLessThanOrEqual(1);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it("tells what hides from what is hidden: of objects alone in the scene, those inside it are whole", () => {
    let whole = 0;
    for (let seed = 0; seed < 60; seed += 1) {
      for (const { box, visible } of drawn(30, { seed, objects: 1, width: 320, height: 240 }).truth) {
        const inside = box.x > 12 && box.x + box.w < 308 && box.y + box.h < 236;
        if (inside && visible > 0.97) whole += 1;
        // What the edge of the frame cuts is seen in part only.
        if (box.x === 0 && box.w < 6) expect(visible).toBeLessThan(0.9);
      }
    }
    expect(whole).toBeGreaterThan(15);
  });

  it("has room for as many objects as it allows, each seen as itself", () => {
    const { truth } = drawn(100, { objects: MOST_OBJECTS, crowded: true, width: 640, height: 480 });
    expect(truth.length).toBeGreaterThan(60);
    expect(new Set(truth.map(({ id }) => id)).size).toBe(truth.length);
  });
});
