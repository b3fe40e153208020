import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boxIou } from "../frame/box.js";
import type { TrueObject } from "../frame/truth.js";
import { Accuracy } from "./accuracy.js";
import { type Claim, isJudged, matchDetections } from "./matching.js";

type Corners = [x: number, y: number, w: number, h: number];

function seen(className: string, confidence: number, [x, y, w, h]: Corners): Claim {
  return { className, confidence, box: { x, y, w, h } };
}

let nextId = 1;
function real(className: string, [x, y, w, h]: Corners, visible = 1): TrueObject {
  return { id: nextId++, className, box: { x, y, w, h }, visible };
}

function judge(detections: readonly Claim[], truth: readonly TrueObject[], only?: readonly string[]) {
  const accuracy = new Accuracy(only);
  accuracy.add(detections, truth);
  const summary = accuracy.summary();
  if (summary === undefined) throw new Error("no frame was judged");
  return summary;
}

const AT: Corners = [10, 10, 20, 20];
const FAR: Corners = [100, 100, 20, 20];
const NOTHING = { precision: null, recall: null, meanIou: null, objects: 0, found: 0 };

describe("Accuracy, by hand", () => {
  it("finds an object that is exactly there", () => {
    expect(judge([seen("car", 0.9, AT)], [real("car", AT)])).toEqual({
      ...{ precision: 1, recall: 1, meanIou: 1, objects: 1, found: 1, falsePositives: 0, ignored: 0 },
      frames: 1,
      byClass: {
        car: { precision: 1, recall: 1, meanIou: 1, objects: 1, found: 1, falsePositives: 0, ignored: 0 },
      },
    });
  });

  it("counts a second detection of an object as one that finds nothing, whichever came first", () => {
    const near: Corners = [11, 10, 20, 20];
    const truth = [real("car", AT)];
    for (const detections of [
      [seen("car", 0.9, near), seen("car", 0.8, AT)],
      [seen("car", 0.8, AT), seen("car", 0.9, near)],
    ]) {
      const { precision, recall, meanIou } = judge(detections, truth);
      expect({ precision, recall }).toEqual({ precision: 0.5, recall: 1 });
      // The more confident one took it, though the other fits better: 19 x 20 of 21 x 20.
      expect(meanIou).toBeCloseTo(19 / 21, 12);
    }
  });

  it("gives a detection the object that it overlaps most, and the next one what is free", () => {
    const truth = [real("car", [0, 0, 20, 20]), real("car", [6, 0, 20, 20])];
    const { found, meanIou } = judge(
      [seen("car", 0.9, [5, 0, 20, 20]), seen("car", 0.8, [4, 0, 20, 20])],
      truth,
    );
    expect(found).toBe(2);
    expect(meanIou).toBeCloseTo((19 / 21 + 16 / 24) / 2, 12);
  });

  it("does not look for another object's detection once a better one has the object: greedy, as COCO", () => {
    // The confident detection takes the middle object, which the other could only have had.
    const truth = [real("car", [0, 0, 20, 20]), real("car", [5, 0, 20, 20])];
    const detections = [seen("car", 0.9, [4, 0, 20, 20]), seen("car", 0.8, [9, 0, 20, 20])];
    expect(judge(detections, truth)).toMatchObject({ found: 1, falsePositives: 1, objects: 2 });
  });

  it.each([
    ["exactly 0.5", [10, 10, 20, 10], 1],
    ["just under 0.5", [10, 10, 20, 9.99], 0],
  ] as const)("takes an IoU of %s for found: %j", (_, box, found) => {
    expect(judge([seen("car", 0.9, [...box])], [real("car", AT)])).toMatchObject({
      found,
      falsePositives: 1 - found,
      precision: found,
      recall: found,
      meanIou: found === 1 ? 0.5 : null,
    });
  });

  it("takes a detection of another class for a false positive of that class, and the object for missed", () => {
    const { byClass, ...total } = judge([seen("dog", 0.9, AT)], [real("car", AT)]);
    expect(total).toMatchObject({ precision: 0, recall: 0, meanIou: null });
    expect(byClass).toEqual({
      car: { ...NOTHING, recall: 0, objects: 1, falsePositives: 0, ignored: 0 },
      dog: { ...NOTHING, precision: 0, falsePositives: 1, ignored: 0 },
    });
    expect(Object.keys(byClass)).toEqual(["car", "dog"]);
  });

  it.each([
    ["less than half of it is visible", AT, 0.49, true],
    ["half of it is visible", AT, 0.5, false],
    ["it is narrow", [10, 10, 7.9, 40], 1, true],
    ["it is low", [10, 10, 40, 7.9], 1, true],
    ["it is just large enough", [10, 10, 8, 8], 1, false],
  ] as const)("ignores an object when %s", (_, box, visible, ignored) => {
    const truth = [real("car", [...box], visible)];
    const [objects, found] = ignored ? [0, 0] : [1, 1];
    expect(judge([], truth)).toMatchObject({ objects, found: 0, recall: ignored ? null : 0 });
    expect(judge([seen("car", 0.9, [...box])], truth)).toMatchObject({
      ...{ objects, found, falsePositives: 0, ignored: 1 - objects },
      ...{ precision: ignored ? null : 1, recall: ignored ? null : 1 },
    });
  });

  it("prefers a judged object to an ignored one that fits better", () => {
    const truth = [real("car", AT, 0.2), real("car", [12, 10, 20, 20])];
    expect(judge([seen("car", 0.9, AT)], truth)).toMatchObject({ objects: 1, found: 1, falsePositives: 0 });
  });

  it("excuses one detection of an ignored object, and not its second", () => {
    const detections = [seen("car", 0.9, AT), seen("car", 0.8, AT)];
    expect(judge(detections, [real("car", AT, 0.2)])).toMatchObject({ found: 0, falsePositives: 1 });
  });

  it("is null where there is nothing to divide by", () => {
    expect(judge([], [])).toEqual({ ...NOTHING, falsePositives: 0, ignored: 0, frames: 1, byClass: {} });
    expect(judge([], [real("car", AT)])).toMatchObject({ precision: null, recall: 0, meanIou: null });
    expect(judge([seen("car", 1, AT)], [])).toMatchObject({ precision: 0, recall: null, meanIou: null });
    expect(new Accuracy().summary()).toBeUndefined();
  });

  it("judges the given classes only, on both sides", () => {
    const detections = [seen("car", 0.9, AT), seen("dog", 0.9, FAR), seen("cat", 0.9, FAR)];
    const truth = [real("car", AT), real("dog", AT), real("bottle", FAR)];
    const { byClass, ...total } = judge(detections, truth, ["car", "cat"]);
    expect(total).toMatchObject({ objects: 1, found: 1, falsePositives: 1, recall: 1, precision: 0.5 });
    expect(Object.keys(byClass)).toEqual(["car", "cat"]);
  });

  it("adds up frames, and never matches across them", () => {
    const accuracy = new Accuracy();
    accuracy.add([seen("car", 0.9, AT)], [real("car", AT), real("dog", FAR)]);
    accuracy.add([seen("dog", 0.9, FAR)], [real("car", AT)]);
    expect(accuracy.summary()).toMatchObject({ frames: 2, objects: 3, found: 1, falsePositives: 1 });
    expect(accuracy.summary()?.recall).toBe(1 / 3);
  });

  it("survives class names that objects have of themselves", () => {
    const { byClass } = judge([seen("__proto__", 0.9, AT)], [real("constructor", AT)]);
    expect(Object.keys(byClass)).toEqual(["constructor", "__proto__"]);
  });
});

interface CocoCase {
  readonly detections: readonly { class: string; confidence: number; box: Corners }[];
  readonly truth: readonly { id: number; class: string; box: Corners; visible: number }[];
  readonly expected: Record<string, readonly number[]>;
}

describe("Accuracy, against COCO's own evaluation", () => {
  // Made by src/testing/coco-cases.py, which says how.
  const path = process.env.COCO_CASES ?? new URL("../testing/coco-cases.jsonl", import.meta.url);
  const lines = readFileSync(path, "utf8").trim().split("\n");

  it("counts what pycocotools counts", () => {
    let found = 0;
    for (const line of lines) {
      const { detections, truth, expected } = JSON.parse(line) as CocoCase;
      const { byClass } = judge(
        detections.map((d) => seen(d.class, d.confidence, d.box)),
        truth.map(({ class: name, box, visible, id }) => ({ ...real(name, box, visible), id })),
      );
      const counts = Object.entries(byClass).map(([name, c]) => {
        const iouSum = Number(((c.meanIou ?? 0) * c.found).toFixed(9));
        return [name, [c.objects, c.found, c.falsePositives, c.ignored, iouSum]] as const;
      });
      expect(Object.fromEntries(counts), line).toEqual(expected);
      found += counts.reduce((sum, [, [, n]]) => sum + n, 0);
    }
    expect(found).toBeGreaterThan(lines.length);
  });
});

const classNames = fc.constantFrom("car", "dog");
const side = fc.integer({ min: 5, max: 20 });
const place = fc.integer({ min: 0, max: 15 });
const box = fc.record({ x: place, y: place, w: side, h: side });
const claims = fc.array(
  fc.record({ className: classNames, confidence: fc.constantFrom(0.4, 0.6, 0.8, 0.9), box }),
  { maxLength: 8 },
);
const truths = fc
  .array(fc.record({ className: classNames, box, visible: fc.constantFrom(0.3, 0.5, 1) }), { maxLength: 8 })
  .map((objects) => objects.map((object, id) => ({ ...object, id })));

describe("Accuracy, whatever comes", () => {
  it("has ratios in 0..1, and counts that add up", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(claims, truths), { minLength: 1, maxLength: 4 }), (frames) => {
        const accuracy = new Accuracy();
        for (const [detections, truth] of frames) accuracy.add(detections, truth);
        const summary = accuracy.summary();
        const all = frames.flatMap(([, truth]) => truth);
        const detections = frames.reduce((sum, [those]) => sum + those.length, 0);
        expect(summary).toMatchObject({ frames: frames.length, objects: all.filter(isJudged).length });
        for (const figures of summary ? [summary, ...Object.values(summary.byClass)] : []) {
          const { precision, recall, meanIou, objects, found, falsePositives } = figures;
          for (const ratio of [precision, recall]) {
            expect(ratio === null || (ratio >= 0 && ratio <= 1)).toBe(true);
          }
          expect(meanIou === null || (meanIou >= 0.5 && meanIou <= 1 + 1e-12)).toBe(true);
          expect([precision === null, recall === null, meanIou === null]).toEqual([
            found + falsePositives === 0,
            objects === 0,
            found === 0,
          ]);
          expect(found).toBeLessThanOrEqual(objects);
          expect(found + falsePositives).toBeLessThanOrEqual(detections);
        }
      }),
    );
  });

  it("does not depend on the order of the truth", () => {
    const shuffled = truths.chain((truth) =>
      fc.tuple(
        fc.constant(truth),
        fc.shuffledSubarray(truth, { minLength: truth.length, maxLength: truth.length }),
      ),
    );
    fc.assert(
      fc.property(claims, shuffled, (detections, [truth, other]) => {
        expect(judge(detections, other)).toEqual(judge(detections, truth));
      }),
    );
  });

  it("depends on the order of detections only where confidences are equal", () => {
    const distinct = fc
      .uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 8 })
      .chain((confidences) =>
        fc.tuple(
          ...confidences.map((c) =>
            fc.record({ className: classNames, confidence: fc.constant(c / 100), box }),
          ),
        ),
      );
    fc.assert(
      fc.property(distinct, truths, (detections, truth) => {
        expect(judge([...detections].reverse(), truth)).toEqual(judge(detections, truth));
      }),
    );
  });

  it("pairs each object once, alike with alike, and leaves no detection beside a missed object that it fits", () => {
    fc.assert(
      fc.property(claims, truths, (detections, truth) => {
        const matches = matchDetections(detections, truth);
        expect(new Set(matches.map(({ detection }) => detection)).size).toBe(detections.length);
        const taken = matches.flatMap(({ object }) => object ?? []);
        expect(new Set(taken).size).toBe(taken.length);
        for (const { detection, object, iou } of matches) {
          if (object === undefined) continue;
          expect(object.className).toBe(detection.className);
          expect(iou).toBe(boxIou(detection.box, object.box));
          expect(iou).toBeGreaterThanOrEqual(0.5);
        }
        // A greedy matching is maximal, whatever its order was.
        const free = truth.filter((object) => !taken.includes(object));
        for (const { detection, object } of matches) {
          const fits = free.filter(
            (other) => other.className === detection.className && boxIou(detection.box, other.box) >= 0.5,
          );
          if (object === undefined) expect(fits).toEqual([]);
          else if (!isJudged(object)) expect(fits.filter(isJudged)).toEqual([]);
        }
      }),
    );
  });
});
