import { describe, expect, it } from "vitest";
import { modelDescription } from "../testing/model-description.js";
import { configLine, firstFramesLine, modelLine, nextSteps } from "./init-summary.js";

const MODEL = modelDescription();

describe("modelLine", () => {
  it("says what a model is in one line", () => {
    expect(modelLine(MODEL)).toBe("yolo11, 2 classes, input 640x640, fp32, 2.6 M parameters, 6.5 GFLOP");
  });

  it("leaves out what is not known", () => {
    const unknown = { ...MODEL, family: null, input: null, classes: null, gflop: null, parameters: 470_203 };
    expect(modelLine(unknown)).toBe("of no known family, fp32, 0.47 M parameters");
  });
});

it("firstFramesLine turns a latency into a rate", () => {
  const latency = { count: 40, mean: 21, p50: 20, p90: 23, p95: 24.04, p99: 30, max: 31 };
  expect(firstFramesLine(latency)).toBe("p50 20.0 ms, p95 24.0 ms of 40 frames: at most some 50 a second");
});

it.each([
  ["written", "aiw.yaml written"],
  ["unchanged", "aiw.yaml is up to date"],
  ["changed", "aiw.yaml has edits: changed as follows, all else is kept"],
  ["kept", "aiw.yaml has edits and is kept as it is; --force overwrites it"],
] as const)("configLine: %s", (action, line) => {
  expect(configLine({ path: "aiw.yaml", action })).toBe(line);
});

it("nextSteps line up", () => {
  const next = [
    { command: "aiw run", purpose: "one" },
    { command: "aiw bench", purpose: "two" },
  ];
  expect(nextSteps({ next })).toBe("Next:\n  aiw run     one\n  aiw bench   two");
});
