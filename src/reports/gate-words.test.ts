import { expect, it } from "vitest";
import { gateProblem, gateWords, verdictWords } from "./gate-words.js";

it.each([
  ["p95<150ms", 61.2349, 150, "61.235 ms", "150 ms"],
  ["max < 1s", 61.2, 1000, "61.2 ms", "1000 ms"],
  ["inference.mean<=50ms", 49.9996, 50, "50 ms", "50 ms"],
  ["cpu_per_frame<5ms", 3, 5, "3 ms", "5 ms"],
  ["drops<=5%", 0.0125, 0.05, "1.25 %", "5 %"],
  ["errors<=0%", 0, 0, "0 %", "0 %"],
  ["recall>=90%", null, 0.9, "–", "90 %"],
  ["worker_rss<200MB", 113.7, 200, "113.7 MB", "200 MB"],
  ["fps>=11.5", 11.98765, 11.5, "11.988", "11.5"],
  ["detections>=1", 218, 1, "218", "1"],
])("%s: the figures have their unit", (gate, value, limit, valueWords, limitWords) => {
  expect(gateWords({ gate, value, limit })).toEqual({ value: valueWords, limit: limitWords });
});

it.each([
  ["p95<1s", "nothing came back"],
  ["inference.p95<1s", "the worker does not report inference"],
  ["worker_rss<1MB", "the worker does not report what it uses"],
  ["recall>=1%", "in the frames there was nothing for it, of the classes and at the size asked for"],
])("%s without a sample: %s", (gate, why) => {
  const judged = { gate, value: null, limit: 1, verdict: "insufficient", samples: 0, needed: 1 } as const;
  expect(gateProblem(judged)).toBe(`"${gate}" cannot be judged: ${why}`);
});

it("says what is missing", () => {
  const base = { gate: "p95<1s", value: 1, limit: 1000 };
  expect(verdictWords({ ...base, verdict: "pass", samples: 100, needed: 90 })).toBe("pass");
  expect(verdictWords({ ...base, verdict: "insufficient", samples: 12, needed: 90 })).toBe(
    "insufficient, needs 90",
  );
  expect(verdictWords({ ...base, verdict: "insufficient", samples: 0, needed: 1 })).toBe(
    "insufficient, nothing to judge",
  );
});
