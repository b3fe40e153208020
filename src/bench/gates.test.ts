import { describe, expect, it } from "vitest";
import type { Gate } from "../core/gate.js";
import { Accuracy } from "../results/accuracy.js";
import { canJudge, judgeGate, needsTruth } from "./gates.js";

const AT = { x: 0, y: 0, w: 20, h: 20 };
const FAR = { x: 100, y: 0, w: 20, h: 20 };

/** Of ten cars `found` are found, beside `wrong` cars that are not there. */
function accuracy(found: number, wrong: number) {
  const figures = new Accuracy();
  for (let n = 0; n < 10; n += 1) {
    const detections = [
      ...(n < found ? [{ className: "car", confidence: 0.9, box: AT }] : []),
      ...(n < wrong ? [{ className: "car", confidence: 0.5, box: FAR }] : []),
    ];
    figures.add(detections, [{ id: 1, className: "car", box: AT, visible: 1 }]);
  }
  return figures.summary();
}

function gate(name: string, operator: Gate["operator"], limit: number): Gate {
  return { text: `${name}${operator}${limit}`, name, operator, limit };
}

describe("judgeGate", () => {
  it.each([
    [">=", 0.9, "pass"],
    [">", 0.9, "fail"],
    [">=", 0.91, "fail"],
    ["<=", 0.9, "pass"],
    ["<", 0.9, "fail"],
    ["<", 0.91, "pass"],
  ] as const)("judges a recall of 0.9 against %s %s: %s", (operator, limit, verdict) => {
    const judged = judgeGate(gate("recall", operator, limit), { accuracy: accuracy(9, 0) });
    expect(judged).toEqual({
      ...{ gate: `recall${operator}${limit}`, value: 0.9, limit, verdict, samples: 10, needed: 1 },
    });
  });

  it("takes precision over the detections that there were", () => {
    const judged = judgeGate(gate("precision", ">=", 0.8), { accuracy: accuracy(8, 2) });
    expect(judged).toMatchObject({ value: 0.8, samples: 10, verdict: "pass" });
  });

  it("does not judge what there was nothing of", () => {
    const nothingSeen = judgeGate(gate("precision", ">=", 0.5), { accuracy: accuracy(0, 0) });
    expect(nothingSeen).toMatchObject({ value: null, samples: 0, needed: 1, verdict: "insufficient" });
    const noFrame = judgeGate(gate("recall", ">=", 0.5), { accuracy: undefined });
    expect(noFrame).toMatchObject({ value: null, samples: 0, verdict: "insufficient" });
  });

  it("knows what it can judge, and what needs a source that knows the truth", () => {
    expect(["recall", "p95", "toString"].map((name) => canJudge(gate(name, "<", 1)))).toEqual([
      ...[true, false, false],
    ]);
    expect(["recall", "precision", "p95"].map((name) => needsTruth(gate(name, "<", 1)))).toEqual([
      ...[true, true, false],
    ]);
  });
});
