import fc from "fast-check";
import { expect, it } from "vitest";
import { detectionRecord } from "../../results/record.js";
import { SessionSummary } from "./session-summary.js";
import { errorOf, resultOf } from "./testing.js";

const us = fc.integer({ min: 0, max: 700_000_000 });
const stage = fc.option(fc.integer({ min: -1000, max: 700_000_000 }));
const className = fc.oneof(fc.constantFrom("person", "__proto__", "constructor"), fc.string());
const outcome = fc.oneof(
  fc.constant(errorOf(1)),
  fc
    .record({
      latency: fc.record({
        ...{ total: us, wait: us, transport: stage, queue: stage },
        ...{ preprocess: stage, inference: stage, postprocess: stage },
      }),
      names: fc.array(className, { maxLength: 4 }),
    })
    .map(({ latency, names }) => {
      const [detection] = resultOf(1).detections;
      return resultOf(1, { latency, detections: names.map((name) => ({ ...detection!, className: name })) });
    }),
);

it("is the same of the records as they were written", () => {
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 20 }), (outcomes) => {
      const [live, read] = [new SessionSummary(), new SessionSummary()];
      for (const one of outcomes) {
        live.add("detections" in one ? one : null);
        expect(read.addRecord(JSON.parse(JSON.stringify(detectionRecord(one, "ab"))))).toBe(true);
      }
      expect(JSON.stringify(read.figures())).toBe(JSON.stringify(live.figures()));
    }),
  );
});

it("takes anything, and counts what is a record", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const summary = new SessionSummary();
      const before = JSON.stringify(summary.figures());
      if (!summary.addRecord(value)) expect(JSON.stringify(summary.figures())).toBe(before);
    }),
  );
});
