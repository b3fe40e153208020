import { expect, it } from "vitest";
import { parseGate } from "../config/gate.js";
import { gateName, latencyOf } from "./gate-name.js";

it.each([
  ["p95<=150ms", { of: "total", statistic: "p95" }],
  ["inference.p95 < 50 ms", { of: "inference", statistic: "p95" }],
  ["queue.mean<1s", { of: "queue", statistic: "mean" }],
  [" max >= 2s", { of: "total", statistic: "max" }],
  ["drops<=5%", undefined],
  ["precision >= .9", undefined],
  ["client_rss<200MB", undefined],
])("%s is read as it was when it was given", (text, latency) => {
  expect(gateName(text)).toBe(parseGate(text).name);
  expect(latencyOf(gateName(text))).toEqual(latency);
});
