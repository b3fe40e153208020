import { describe, expect, it } from "vitest";
import {
  type Candidate,
  candidateKey,
  changes,
  floats,
  graphKey,
  integers,
  moreFloat,
  precisionWords,
} from "./candidate.js";

const UNCHANGED: Candidate = {
  engine: "onnxruntime",
  precision: "fp32",
  size: undefined,
  threads: undefined,
};
const INT8: Candidate = { ...UNCHANGED, precision: { operators: "conv", keptFloat: "decode" } };
const CHOICES = {
  engines: ["onnxruntime", "openvino"] as const,
  sizes: ["640x480"],
  notQuantisable: null,
  threads: undefined,
};

describe("a candidate's key", () => {
  it.each([
    [UNCHANGED, "fp32-own-onnxruntime"],
    [{ ...UNCHANGED, threads: 2 }, "fp32-own-onnxruntime-2t"],
    [{ ...INT8, size: "640x480", engine: "openvino" as const }, "int8-conv-decode-640x480-openvino"],
  ])("tells it from others: %#", (candidate, key) => {
    expect(candidateKey(candidate)).toBe(key);
  });

  it("of its graph says nothing of what runs it", () => {
    expect(graphKey({ ...INT8, engine: "openvino", threads: 3 } as Candidate)).toBe("int8-conv-decode-own");
  });
});

it("keeps more in float step by step, until there is no more to keep", () => {
  const steps: string[] = [];
  for (let one: Candidate | undefined = INT8; one !== undefined; one = moreFloat(one))
    steps.push(precisionWords(one.precision));
  expect(steps).toEqual([
    "int8 convolutions",
    "int8 convolutions, outputs float",
    "int8 convolutions, head float",
  ]);
  expect(moreFloat(UNCHANGED)).toBeUndefined();
});

it("prefers the unchanged model, then another engine, then another size, then fewer bits", () => {
  const order: Candidate[] = [
    UNCHANGED,
    { ...UNCHANGED, engine: "openvino" },
    { ...UNCHANGED, size: "640x480" },
    INT8,
    { ...INT8, precision: { operators: "all", keptFloat: "decode" } },
  ];
  const all = order.map(changes);
  expect(all).toEqual([...new Set(all)].sort((a, b) => a - b));
});

describe("what there is to try", () => {
  it("in float is every engine at every size, the unchanged model first", () => {
    expect(floats(CHOICES).map(candidateKey)).toEqual([
      "fp32-own-onnxruntime",
      "fp32-640x480-onnxruntime",
      "fp32-own-openvino",
      "fp32-640x480-openvino",
    ]);
  });

  it("in 8 bits is the convolutions and all operators, at one size, with the threads asked for", () => {
    expect(integers({ ...CHOICES, threads: 1 }, "640x480").map(candidateKey)).toEqual([
      "int8-conv-decode-640x480-onnxruntime-1t",
      "int8-all-decode-640x480-onnxruntime-1t",
      "int8-conv-decode-640x480-openvino-1t",
      "int8-all-decode-640x480-openvino-1t",
    ]);
  });

  it("in 8 bits is nothing where the model can't be quantised", () => {
    expect(integers({ ...CHOICES, notQuantisable: "it is quantised already" }, undefined)).toEqual([]);
  });
});
