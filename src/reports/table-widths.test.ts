import { expect, it } from "vitest";
import { ratesReport } from "../bench/rates-report.js";
import type { BenchReport, JudgedGate } from "../bench/report-schema.js";
import { measured, reportOf } from "../testing/measured-report.js";
import { benchTable } from "./bench-table.js";
import { ratesTable } from "./rates-table.js";

/** Everything as wide as it can be. */
const { result } = await measured(() => 10_000, 10, 4_000_000);
const PLAIN = reportOf(result);
const GATES: readonly JudgedGate[] = [
  {
    gate: "postprocess.p95 <= 1500.25 ms",
    value: 99999.999,
    limit: 1500.25,
    verdict: "fail",
    samples: 1e6,
    needed: 1,
  },
  {
    gate: "inference.p99<150ms",
    value: 12345.678,
    limit: 150,
    verdict: "insufficient",
    samples: 838,
    needed: 1307,
  },
  {
    gate: "preprocess.p95<=100000ms",
    value: null,
    limit: 1e5,
    verdict: "insufficient",
    samples: 0,
    needed: 1,
  },
];
const SLOW = Object.fromEntries(
  Object.entries(PLAIN.latency_ms).map(([name, summary]) => [
    name,
    Object.fromEntries(Object.keys(summary).map((key) => [key, key === "count" ? 1e6 : 599_999.999])),
  ]),
) as unknown as BenchReport["latency_ms"];
const FIGURES = {
  precision: 1,
  recall: 1,
  mean_iou: 1,
  objects: 1e6,
  found: 1e6,
  false_positives: 1e6,
  ignored: 1e6,
};
const WIDE: BenchReport = {
  ...PLAIN,
  environment: { ...PLAIN.environment, model: `${"a-long-name-".repeat(9)}.onnx`, cpu: "cpu ".repeat(30) },
  settings: {
    ...PLAIN.settings,
    source: "rtsp://a.camera.somewhere.example/with/a/long/path?and=more&of=it",
    fps: 12.25,
  },
  frames: {
    ...PLAIN.frames,
    dropped: { latest_wins: 123456, source_late: 123456, disconnected: 123456, interrupted: 123456 },
  },
  drop_rate: 1,
  latency_ms: SLOW,
  truth: { ...FIGURES, frames: 1, by_class: { "traffic light": FIGURES } },
  detections: { total: 1e9, by_class: { "traffic light": 1e9, "fire hydrant": 1e9, "dining table": 1e9 } },
  gates: GATES,
  verdict: "insufficient",
  ended_early:
    "the worker at a-long-name.somewhere.example:7001 closed the connection before the run had come to its end",
};

it.each([
  ["a bench's table", () => benchTable(WIDE)],
  ["the table of rates", () => ratesTable(ratesReport([PLAIN, WIDE], "finished"))],
  [
    "the table of rates that none passes",
    () => ratesTable(ratesReport([{ ...WIDE, ended_early: undefined }], "unfinished")),
  ],
])("%s is never wider than 80 columns", (_, table) => {
  const lines = table().split("\n");
  const widest = lines.reduce((a, b) => (b.length > a.length ? b : a));
  expect(widest.length, widest).toBeLessThanOrEqual(80);
});
