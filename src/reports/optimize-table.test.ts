import { describe, expect, it } from "vitest";
import { figures, provenanceOf } from "../testing/provenance.js";
import { optimizeLine, optimizeTable, tunedLine } from "./optimize-table.js";

const PRECISIONS = [
  "unchanged",
  ...["int8 convolutions", "int8 all operators"].flatMap((all) => [
    all,
    `${all}, outputs float`,
    `${all}, head float`,
  ]),
];
/** Each precision on each engine with different threads, all as wide as it can be. */
const WIDEST = PRECISIONS.flatMap((precision) =>
  ["onnxruntime", "openvino"].flatMap((engine) =>
    [2, 128].map((threads) =>
      figures({
        ...{ precision, engine, threads, input: "1280x1280", alone_ms: 12345.6, ratio: 1.234 },
        ...{ agreement: { f1: 0.999, mean_iou: 0.999 }, chosen: true },
      }),
    ),
  ),
);
const columnsOf = (text: string) => Math.max(...text.split("\n").map(({ length }) => length));
/** The rows without the frame around them: their cells, trimmed. */
const rowsOf = (text: string) =>
  text
    .split("\n")
    .filter((line) => line.startsWith("│"))
    .map((line) =>
      line
        .split("│")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

describe("the table of candidates", () => {
  it("is never wider than a terminal", () => {
    const failed = figures({ failure: "it has an operator that the engine does not know ".repeat(4) });
    const candidates = [...WIDEST, failed];
    const remarks = ["openvino was not tried: there is no wheel of it for this platform ".repeat(3)];
    const verified = optimizeTable(provenanceOf({ candidates, remarks }));
    const not = optimizeTable(provenanceOf({ candidates, verified: false }));
    expect(rowsOf(verified)).toHaveLength(WIDEST.length + 1);
    expect(columnsOf(verified)).toBeLessThanOrEqual(80);
    expect(columnsOf(not)).toBeLessThanOrEqual(80);
    // Nor is anything cut off.
    for (const whole of ["/head", "/out", "onnxruntime", "1280x1280", "12345.6", "123 %", "99.9", "128"])
      expect(verified).toContain(whole);
    expect(verified).not.toContain("…");
  });

  it("has the fastest first, and behind them what did not come to the turns", () => {
    const table = optimizeTable(
      provenanceOf({
        candidates: [
          figures({ precision: "int8 all operators", ratio: null, alone_ms: 90, agreement: null }),
          figures(),
          figures({ precision: "int8 convolutions, outputs float", ratio: null, alone_ms: 80 }),
          figures({ precision: "int8 convolutions", ratio: 0.4, chosen: true }),
        ],
      }),
    );
    const [, ...rows] = rowsOf(table);
    expect(rows.map(([precision]) => precision)).toEqual([
      "✔ int8 conv",
      "unchanged",
      "int8 conv/out",
      "int8 all",
    ]);
    expect(rows[0]).toContain("40 %");
    expect(rows[3]!.slice(-3)).toEqual(["–", "–", "–"]);
  });

  it("names the threads only where they differ", () => {
    const threadsOf = (...threads: number[]) =>
      rowsOf(optimizeTable(provenanceOf({ candidates: threads.map((n) => figures({ threads: n })) })))[0];
    expect(threadsOf(2, 2)).not.toContain("thr");
    expect(threadsOf(2, 1)).toContain("thr");
  });

  it("says why something can't be run or was not tried", () => {
    const candidates = [figures({ chosen: true }), figures({ engine: "openvino", failure: "no such thing" })];
    const table = optimizeTable(provenanceOf({ candidates, remarks: ["int8 was not tried: it is too old"] }));
    expect(rowsOf(table)).toHaveLength(2);
    expect(table).toContain("unchanged on openvino: can't be run: no such thing");
    expect(table).toContain("int8 was not tried: it is too old");
  });

  it("says a reason once, whatever it keeps from running", () => {
    const failure = "there is too little memory to load it";
    const failed = ["int8 convolutions", "int8 all operators"].map((precision) =>
      figures({ precision, failure }),
    );
    const table = optimizeTable(provenanceOf({ candidates: [figures(), ...failed] })).replace(/\s+/g, " ");
    expect(table.split(failure)).toHaveLength(2);
    expect(table).toContain("int8 convolutions on onnxruntime; int8 all operators on onnxruntime: can't");
  });

  it("says where nothing in 8 bits sees the same", () => {
    const told = (...f1s: number[]) => {
      const agreements = f1s.map((f1) => ({ f1, mean_iou: 0.97 }));
      const integers = agreements.map((agreement) => figures({ precision: "int8 convolutions", agreement }));
      return optimizeTable(provenanceOf({ candidates: [figures(), ...integers] }));
    };
    expect(told(0.94, 0.2)).toContain("Nothing in 8 bits sees the same: F1 and IoU are to be 95 %");
    expect(told(0.94, 0.95)).not.toContain("Nothing in 8 bits");
    expect(told()).not.toContain("Nothing in 8 bits");
  });

  it("explains what was compared, and with how much; or that there was too little", () => {
    const flat = (text: string) => text.replace(/\s+/g, " ");
    expect(flat(optimizeTable(provenanceOf()))).toContain(
      "with 120 detections of the unchanged model in 64 frames that were not calibrated with.",
    );
    const few = provenanceOf({ verified: false, judged_frames: 0, reference_detections: 0 });
    expect(flat(optimizeTable(few))).toContain("the source has no second frame");
    expect(optimizeTable(provenanceOf())).not.toContain("/head");
  });
});

describe("what was found, in a line", () => {
  it("says how much faster it is", () => {
    expect(optimizeLine(provenanceOf())).toBe(
      "int8 convolutions, 640x640, on onnxruntime: 2.0 times as fast as it was",
    );
    expect(optimizeLine(provenanceOf({ threads: 1 }))).toContain("on onnxruntime, 1 thread: 2.0 times");
  });

  it("says where nothing is faster", () => {
    const same = { file: null, precision: "unchanged" };
    expect(optimizeLine(provenanceOf(same))).toMatch(
      /^nothing is faster than the unchanged model \(640x640, on onnxruntime\)$/,
    );
    expect(optimizeLine(provenanceOf({ ...same, engine: "openvino" }))).toMatch(
      /^unchanged, .* on openvino: 2\.0/,
    );
  });

  it("names the original for the configuration", () => {
    expect(tunedLine(provenanceOf())).toMatch(/^\/models\/yolo11s\.onnx: int8/);
  });
});
