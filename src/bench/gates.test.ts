import { describe, expect, it } from "vitest";
import { GATE_STAGES, parseGate } from "../config/gate.js";
import type { LedgerCounts } from "../pipeline/ledger.js";
import type { FrameOutcome } from "../results/frame-outcome.js";
import { STAGES } from "../results/stages.js";
import { Tally } from "../results/tally.js";
import { type GateFigures, GateWatch, leastSamples, needsTruth } from "./gates.js";

const AT = { x: 0, y: 0, w: 20, h: 20 };
const FAR = { x: 100, y: 0, w: 20, h: 20 };

const RESOURCES = {
  ...{ client_rss_mb: 90, worker_rss_mb: 200, client_cpu_ms_per_frame: 2, worker_cpu_ms_per_frame: 20 },
  source_cpu_ms_per_frame: null,
};

/** A result of this total, all of it inference or of a worker that reports no stages. */
function result(totalMs: number, stages = true): FrameOutcome {
  const total = Math.round(totalMs * 1000);
  const rest = stages ? 0 : null;
  const inference = stages ? total : null;
  return {
    ...{ seq: 1, origin: { source: "test", width: 2, height: 2 }, dueUs: 0, wallMs: 0 },
    ...{ sent: { width: 2, height: 2 }, detections: [], usage: undefined },
    latency: {
      ...{ total, wait: 0, transport: rest, queue: rest, preprocess: rest, inference, postprocess: rest },
    },
  };
}

interface Run {
  readonly totalsMs?: readonly number[];
  readonly stages?: boolean;
  readonly counts?: Partial<LedgerCounts>;
  readonly durationUs?: number;
  readonly resources?: Partial<GateFigures["resources"]>;
  readonly tally?: Tally;
}

function judged(text: string, run: Run, alpha?: number) {
  const { totalsMs = [], stages = true, durationUs = 10_000_000, tally = new Tally() } = run;
  const watch = new GateWatch(parseGate(text));
  for (const totalMs of totalsMs) {
    const outcome = result(totalMs, stages);
    watch.add(outcome);
    tally.add(outcome);
  }
  const n = totalsMs.length;
  const counts = { offered: n, sent: n, results: n, errors: 0, inFlight: 0, dropped: {}, ...run.counts };
  return watch.judge({ counts, tally, durationUs, resources: { ...RESOURCES, ...run.resources } }, alpha);
}

/** `n` totals of which `over` are 200 ms and the others 100 ms. */
const totals = (n: number, over: number) => Array.from({ length: n }, (_, i) => (i < over ? 200 : 100));

/** Of ten cars `found` are found, beside `wrong` cars that are not there. */
function seen(found: number, wrong: number) {
  const tally = new Tally();
  for (let n = 0; n < 10; n += 1) {
    const detections = [
      ...(n < found ? [{ className: "car", confidence: 0.9, box: AT }] : []),
      ...(n < wrong ? [{ className: "car", confidence: 0.5, box: FAR }] : []),
    ];
    tally.accuracy.add(detections, [{ id: 1, className: "car", box: AT, visible: 1 }]);
  }
  return tally;
}

describe("a gate on a percentile", () => {
  it.each([
    ["p95<=150ms", 90, 0, "pass", 90],
    ["p95<=150ms", 89, 0, "insufficient", 90],
    ["p95<=150ms", 90, 1, "insufficient", 130],
    ["p95<=150ms", 130, 1, "pass", 130],
    ["p95<=150ms", 100, 5, "insufficient", 259],
    ["p95<=150ms", 100, 6, "fail", 288],
    ["p90<150ms", 44, 0, "pass", 44],
    ["p99<150ms", 459, 0, "pass", 459],
    ["p99<150ms", 458, 0, "insufficient", 459],
    ["p50<150ms", 7, 0, "pass", 7],
    ["inference.p95<=150ms", 90, 0, "pass", 90],
    ["inference.p95<=150ms", 100, 6, "fail", 288],
  ] as const)("judges %s of %d results of which %d are over: %s", (text, n, over, verdict, needed) => {
    expect(judged(text, { totalsMs: totals(n, over) })).toMatchObject({ verdict, samples: n, needed });
  });

  it("counts exactly, where a histogram knows its buckets only", () => {
    expect(judged("p95<150ms", { totalsMs: Array(90).fill(150) }).verdict).toBe("fail");
    expect(judged("p95<=150ms", { totalsMs: Array(90).fill(150) }).verdict).toBe("pass");
    expect(judged("p95<=150ms", { totalsMs: Array(90).fill(150.001) }).verdict).toBe("fail");
  });

  it("of a lower limit counts those that are under it", () => {
    // 5 % have to be at or over 150 ms: of 20 % there soon is no doubt, of 5 % there is.
    expect(judged("p95>=150ms", { totalsMs: totals(100, 20) }).verdict).toBe("pass");
    expect(judged("p95>=150ms", { totalsMs: totals(100, 6) }).verdict).toBe("insufficient");
    expect(judged("p95>=150ms", { totalsMs: totals(100, 0) }).verdict).toBe("fail");
  });

  it("needs more where less may go wrong", () => {
    const at = (alpha: number) => judged("p95<=150ms", { totalsMs: totals(95, 0) }, alpha);
    expect(at(0.01)).toMatchObject({ verdict: "pass", needed: 90 });
    expect(at(0.005)).toMatchObject({ verdict: "insufficient", needed: 104 });
  });

  it("has a verdict on a stage that the worker does not report", () => {
    const run = { totalsMs: totals(200, 0), stages: false };
    expect(judged("inference.p95<150ms", run)).toEqual({
      ...{ gate: "inference.p95<150ms", value: null, limit: 150, verdict: "insufficient", samples: 0 },
      needed: 1,
    });
    expect(judged("p95<150ms", run).verdict).toBe("pass");
  });

  it("takes mean and maximum as they were measured", () => {
    const run = { totalsMs: totals(10, 1) };
    expect(judged("mean<=110ms", run)).toMatchObject({ value: 110, verdict: "pass", samples: 10, needed: 1 });
    expect(judged("max<200ms", run)).toMatchObject({ value: 200, verdict: "fail" });
  });
});

describe("a gate on a share of the frames", () => {
  const run = (offered: number, dropped: number, errors = 0) => ({
    counts: { offered, errors, dropped: { latest_wins: dropped } },
  });

  it.each([
    ["drops<=5%", 90, 0, "pass", 90],
    ["drops<=5%", 60, 0, "insufficient", 90],
    ["drops<=5%", 100, 5, "insufficient", 259],
    ["drops<=5%", 100, 6, "fail", 288],
    ["drops<5%", 100, 5, "fail", 259],
    ["drops<=0%", 3, 0, "pass", 1],
    ["drops<=0%", 3, 1, "fail", 1],
    ["drops<=100%", 3, 3, "pass", 1],
    ["drops>=50%", 40, 39, "pass", 11],
  ] as const)("judges %s of %d frames of which %d were dropped: %s", (text, n, dropped, verdict, needed) => {
    expect(judged(text, run(n, dropped))).toMatchObject({ verdict, samples: n, needed });
  });

  it("judges errors alike, and nothing of no frame", () => {
    expect(judged("errors<=1%", run(459, 0, 0)).verdict).toBe("pass");
    expect(judged("errors<=1%", run(100, 0, 2))).toMatchObject({ verdict: "fail", value: 0.02 });
    expect(judged("drops<=5%", run(0, 0))).toMatchObject({ verdict: "insufficient", value: null });
  });
});

describe("a gate on what is taken as it is", () => {
  it.each([
    ["fps>=12", { totalsMs: totals(120, 0) }, 12, "pass"],
    ["fps>=12", { totalsMs: totals(119, 0) }, 11.9, "fail"],
    ["detections>=1", { totalsMs: totals(5, 0) }, 0, "fail"],
    ["client_rss<=90MB", {}, 90, "pass"],
    ["worker_rss<200MB", {}, 200, "fail"],
    ["cpu_per_frame<=22ms", { totalsMs: totals(5, 0) }, 22, "pass"],
    ["worker_rss<200MB", { resources: { worker_rss_mb: null } }, null, "insufficient"],
    ["cpu_per_frame<=22ms", { resources: { worker_cpu_ms_per_frame: null } }, null, "insufficient"],
  ] as const)("judges %s", (text, run, value, verdict) => {
    expect(judged(text, run)).toMatchObject({ value, verdict, needed: 1 });
  });

  it.each([
    ["recall>=90%", "pass"],
    ["recall>90%", "fail"],
    ["recall>=91%", "fail"],
  ] as const)("judges a recall of 0.9 by %s: %s", (text, verdict) => {
    expect(judged(text, { tally: seen(9, 0) })).toMatchObject({
      value: 0.9,
      verdict,
      samples: 10,
      needed: 1,
    });
  });

  it("takes precision over the detections that there were", () => {
    const run = { tally: seen(8, 2) };
    expect(judged("precision>=80%", run)).toMatchObject({ value: 0.8, samples: 10, verdict: "pass" });
  });

  it("does not judge what there was nothing of", () => {
    const nothing = { value: null, samples: 0, needed: 1, verdict: "insufficient" };
    expect(judged("precision>=50%", { tally: seen(0, 0) })).toMatchObject(nothing);
    expect(judged("recall>=50%", {})).toMatchObject(nothing);
  });
});

describe("gates", () => {
  it("judge whatever the parser knows", () => {
    const names = ["p50", "p90", "p95", "p99", "max", "mean"];
    const stages = GATE_STAGES.flatMap((stage) => names.map((name) => `${stage}.${name}`));
    for (const name of [...names, ...stages]) {
      expect(judged(`${name}<1s`, { totalsMs: totals(500, 0) }).verdict, name).toBe("pass");
    }
    expect(GATE_STAGES).toEqual([...STAGES]);
  });

  it("know what needs a source that knows the truth", () => {
    expect(["recall>1%", "precision>1%", "p95<1s"].map((text) => needsTruth(parseGate(text)))).toEqual([
      ...[true, true, false],
    ]);
  });

  it.each([
    ["p95<1s", 90],
    ["p99<1s", 459],
    ["p95>1s", 2],
    ["drops<=5%", 90],
    ["drops<=0%", 1],
    ["mean<1s", 1],
    ["fps>1", 1],
  ])("%s rests on %d samples at least", (text, least) => {
    expect(leastSamples(parseGate(text))).toBe(least);
  });
});
