import { describe, expect, it } from "vitest";
import type { DetectionRow } from "../core/trial.js";
import { agreementOf, isEnough, unjudgedWords } from "./agreement.js";

const row = (classId: number, x: number, w = 100): DetectionRow => [classId, 0.9, x, 0, w, 100];

describe("agreement of detections with the unchanged model's", () => {
  it("is whole where both see the same", () => {
    const frames = [[row(0, 0), row(1, 200)], [], [row(0, 50)]];
    expect(agreementOf(frames, frames)).toEqual({ f1: 1, meanIou: 1, reference: 3 });
  });

  it("counts what only one of them sees, whichever", () => {
    const both = [row(0, 0), row(0, 200), row(0, 400)];
    const one = both.slice(0, 1);
    expect(agreementOf([one], [both])).toEqual({ f1: 0.5, meanIou: 1, reference: 3 });
    expect(agreementOf([both], [one])).toEqual({ f1: 0.5, meanIou: 1, reference: 1 });
  });

  it("gives the mean overlap of the pairs", () => {
    // 80 of 100 columns in common; 80 of 120 in both together.
    const { f1, meanIou } = agreementOf([[row(0, 20), row(0, 300)]], [[row(0, 0), row(0, 300)]]);
    expect(f1).toBe(1);
    expect(meanIou).toBeCloseTo((80 / 120 + 1) / 2);
  });

  it("takes another class at the same place for another thing", () => {
    expect(agreementOf([[row(1, 0)]], [[row(0, 0)]])).toEqual({ f1: 0, meanIou: null, reference: 1 });
  });

  it("pairs within a frame only, and takes a frame that is missing for one without detections", () => {
    expect(agreementOf([[], [row(0, 0)]], [[row(0, 0)], []])).toMatchObject({ f1: 0, reference: 1 });
    expect(agreementOf([], [[row(0, 0)]])).toMatchObject({ f1: 0, reference: 1 });
  });

  it("leaves out on both sides what no class of interest is", () => {
    const found = [[row(0, 0), row(2, 300)]];
    const reference = [[row(0, 0), row(1, 600)]];
    expect(agreementOf(found, reference, [0])).toEqual({ f1: 1, meanIou: 1, reference: 1 });
    expect(agreementOf(found, reference).f1).toBeCloseTo(0.5);
  });

  it("is none where there is nothing to see", () => {
    expect(agreementOf([[]], [[]])).toEqual({ f1: 0, meanIou: null, reference: 0 });
    expect(agreementOf([], [])).toEqual({ f1: 0, meanIou: null, reference: 0 });
  });
});

it.each([
  [{ f1: 0.95, meanIou: 0.95 }, true],
  [{ f1: 0.9499, meanIou: 1 }, false],
  [{ f1: 1, meanIou: 0.9499 }, false],
  [{ f1: 1, meanIou: null }, false],
])("%j is enough for 0.95: %s", (agreement, expected) => {
  expect(isEnough({ ...agreement, reference: 50 }, 0.95)).toBe(expected);
});

it("says why there is no telling", () => {
  expect(unjudgedWords(0, 0)).toMatch(/no second frame/);
  expect(unjudgedWords(1, 64)).toBe(
    "the unchanged model reports 1 detection in the 64 frames to judge by, too few to compare",
  );
});
