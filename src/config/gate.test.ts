import { describe, expect, it } from "vitest";
import { STAGES } from "../results/stages.js";
import { GATE_STAGES, parseGate } from "./gate.js";

describe("parseGate", () => {
  it.each([
    ["p95<150ms", { name: "p95", operator: "<", limit: 150 }],
    ["max <= 0.4s", { name: "max", operator: "<=", limit: 400 }],
    ["inference.p95<80ms", { name: "inference.p95", operator: "<", limit: 80 }],
    ["drops<=5%", { name: "drops", operator: "<=", limit: 0.05 }],
    ["recall>=99.9%", { name: "recall", operator: ">=", limit: 0.999 }],
    ["precision > .9", { name: "precision", operator: ">", limit: 0.9 }],
    ["fps>=11.5", { name: "fps", operator: ">=", limit: 11.5 }],
    ["worker_rss<450MB", { name: "worker_rss", operator: "<", limit: 450 }],
  ])("reads %s", (text, expected) => {
    expect(parseGate(text)).toEqual({ text, ...expected });
  });

  it.each([
    ["", "is wrong at its end: a name is missing"],
    ["p96<1ms", 'is wrong at character 1 ("p96<1ms"): unknown name p96; known are p50'],
    ["p95", "is wrong at its end: an operator is missing"],
    ["p95=1ms", 'is wrong at character 4 ("=1ms"): unknown operator =; known are <, <=, >, >='],
    ["p95<", "is wrong at its end: a number is missing"],
    ["p95<-1ms", 'is wrong at character 5 ("-1ms"): a number is missing'],
    ["p95<150", "is wrong at its end: p95 needs a unit: ms or s"],
    ["p95 < 150 us", 'is wrong at character 11 ("us"): p95 has no unit us; known are ms, s'],
    ["fps>=11fps", 'is wrong at character 8 ("fps"): fps has no unit'],
    ["recall>=95", 'is wrong at character 9 ("95"): recall is a share, from 0 to 1 or 0% to 100%; write 95%'],
    ["drops<=500%", 'is wrong at character 8 ("500%"): drops is a share'],
    ["constructor<1", 'is wrong at character 1 ("constructor<1"): unknown name constructor'],
  ])("points at what is wrong in %j", (text, message) => {
    expect(() => parseGate(text)).toThrow(message);
  });

  it("knows the stages that results have", () => {
    expect(GATE_STAGES).toEqual([...STAGES]);
  });
});
