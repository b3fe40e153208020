import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Box } from "../frame/box.js";
import { aiw, hasShared, type Json, jsonLines, media, model, shared } from "./aiw.js";

function iou(a: Box, b: Box): number {
  const w = Math.max(0, Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x));
  const h = Math.max(0, Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y));
  return (w * h) / (a.w * a.h + b.w * b.h - w * h);
}

/** Each detection of one list has its like in the other; those near the threshold may come or go. */
function expectAgreement(found: Json[], wanted: Json[], conf: number): void {
  const like = (d: Json, others: Json[]) =>
    others.some(
      (o) =>
        o.class === d.class && iou(o.box, d.box) >= 0.98 && Math.abs(o.confidence - d.confidence) <= 0.02,
    );
  const sure = (list: Json[]) => list.filter((d) => d.confidence >= conf + 0.03);
  expect(sure(wanted).filter((d) => !like(d, found))).toEqual([]);
  expect(sure(found).filter((d) => !like(d, wanted))).toEqual([]);
}

/** A Python with the tests' packages, openvino among them; unset where vitest is run by hand. */
const TEST_PYTHON = process.env.AIW_TEST_PYTHON;

async function detect(name: string, conf: string, iouThreshold: string, engine = "auto"): Promise<Json[]> {
  const sources = ["--source", media("bus.jpg"), media("dog.jpg"), "--size", "native"];
  const { code, stdout, stderr } = await aiw(
    [
      ...["run", "--engine", engine, ...sources],
      ...["--model", model(name), "--conf", conf, "--iou", iouThreshold, "--out", "ndjson:-"],
    ],
    // The tests' own environment has both engines, so that nothing need be made for one.
    engine === "openvino" ? { AIW_PYTHON: TEST_PYTHON } : {},
  );
  expect(code, stderr).toBe(0);
  return jsonLines(stdout);
}

/** The embedded one: it is always there. */
const DETECTOR = fileURLToPath(new URL("../../worker/models/synthetic.onnx", import.meta.url));

describe.skipIf(!hasShared)("detections (skipped without the shared test data)", () => {
  describe.each(["onnxruntime", "openvino"])("by %s", (engine) => {
    it.skipIf(engine === "openvino" && TEST_PYTHON === undefined).each([
      ["yolo11n", "0.25", "0.7"],
      ["yolox-nano", "0.3", "0.45"],
    ])("%s finds what its reference implementation finds", async (name, conf, iouThreshold) => {
      const golden = JSON.parse(readFileSync(shared(`golden/${name}.json`), "utf8"));
      const records = await detect(name, conf, iouThreshold, engine);
      expect(records.map(({ source }) => source)).toEqual(Object.keys(golden));
      expect(records.length).toBe(2);
      for (const record of records) {
        const { width, height, detections } = golden[record.source];
        expect(record).toMatchObject({ schema: "aiw.detections/1", width, height });
        expectAgreement(record.detections, detections, Number(conf));
        const { total, ...stages } = record.latency_ms;
        const sum = Object.values<number>(stages).reduce((a, b) => a + b, 0);
        expect(sum).toBeCloseTo(total, 6);
      }
    });
  });

  it("the dynamic and the NMS export agree with the static one", async () => {
    const reference = await detect("yolo11n", "0.25", "0.7");
    for (const name of ["yolo11n-dynamic", "yolo11n-nms"]) {
      const records = await detect(name, "0.25", "0.7");
      expect(records.length).toBe(2);
      for (const [i, record] of records.entries()) {
        expectAgreement(record.detections, reference[i].detections, 0.25);
      }
    }
  });

  it("reports only the classes asked for, by name or id", async () => {
    const args = ["run", "--source", media("bus.jpg"), "--model", model("yolo11n")];
    const { stdout, code } = await aiw([...args, "--classes", "bus,0"]);
    expect(code).toBe(0);
    const classes = jsonLines(stdout).flatMap(({ detections }) => detections.map((d: Json) => d.class));
    expect(new Set(classes)).toEqual(new Set(["bus", "person"]));
  });

  it("takes every frame of a video in order", async () => {
    const args = [
      "run",
      "--source",
      media("bottle-detection.mp4"),
      "--model",
      model("yolox-nano"),
      "--frames",
      "25",
    ];
    const { stdout, code } = await aiw(args);
    expect(code).toBe(0);
    const records = jsonLines(stdout);
    expect(records.map(({ seq }) => seq)).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
    expect(records[0]).toMatchObject({ source: "bottle-detection.mp4", width: 640, height: 360 });
  });

  it("finds in a video the same whatever it is sent as; I420 is what auto chooses", async () => {
    const args = [
      "run",
      "--source",
      media("bottle-detection.mp4"),
      "--model",
      model("yolo11n"),
      "--frames",
      "3",
    ];
    const found = async (format: string) =>
      jsonLines((await aiw([...args, "--pixel-format", format])).stdout);
    const rgb = await found("rgb24");
    for (const format of ["auto", "i420", "nv12", "jpeg", "webp"]) {
      const records = await found(format);
      expect(records.length).toBe(3);
      records.forEach((record, i) => {
        const [seen, wanted] = [record.detections, rgb[i].detections];
        expect(wanted.length).toBeGreaterThan(0);
        expect(
          seen.map((d: Json) => d.class),
          format,
        ).toEqual(wanted.map((d: Json) => d.class));
        for (const d of seen)
          expect(Math.max(...wanted.map((w: Json) => iou(w.box, d.box)))).toBeGreaterThan(0.9);
      });
    }
  });
});

describe("encoded frames", () => {
  it("may have odd sides; one that cannot be encoded is an error of its own, and the run goes on", async () => {
    const folder = mkdtempSync(join(tmpdir(), "aiw-encoded-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const sizes = [
      [97, 53],
      // A WebP has at most 16383 pixels a side.
      [16_384, 3],
      [31, 33],
    ] as const;
    for (const [i, [width, height]] of sizes.entries()) {
      const background = { r: 90, g: 90, b: 90 };
      await sharp({ create: { width, height, channels: 3, background } })
        .png()
        .toFile(join(folder, `${i}.png`));
    }
    const args = ["run", "--source", folder, "--size", "native", "--model", DETECTOR, "--pixel-format"];
    const runs = [await aiw([...args, "webp"]), await aiw([...args, "jpeg"])];
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
    const [webp, jpeg] = runs.map(({ stdout }) =>
      jsonLines(stdout).map(({ width, height, error }) => [width, height, error?.code]),
    );
    expect(webp).toEqual([
      [97, 53, undefined],
      [16_384, 3, "FRAME_NOT_ENCODED"],
      [31, 33, undefined],
    ]);
    expect(jpeg).toEqual(sizes.map(([width, height]) => [width, height, undefined]));
  });
});
