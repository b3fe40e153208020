import { expect, it } from "vitest";
import { provenanceOf } from "../testing/provenance.js";
import { threadsAsked } from "./init-running.js";

const SETTINGS = provenanceOf().settings;

it.each([
  ["what stands there, of a model that was not optimised", 3, undefined, 3],
  ["nothing, where the optimiser chose what stands there", 2, { threads: 2, asked: null }, undefined],
  ["nothing, where it chose to say nothing", undefined, { threads: null, asked: null }, undefined],
  ["what was asked for then", 1, { threads: 1, asked: 1 }, 1],
  ["what somebody has written there since", 4, { threads: 2, asked: null }, 4],
  ["nothing, where somebody has taken it away", undefined, { threads: 1, asked: 1 }, undefined],
] as const)("asks for %s", (_, threads, before, expected) => {
  const found = before && { threads: before.threads, settings: { ...SETTINGS, threads: before.asked } };
  expect(threadsAsked(threads, found)).toBe(expected);
});
