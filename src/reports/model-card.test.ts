import { describe, expect, it } from "vitest";
import type { ModelDescription } from "../core/model-description.js";
import { modelDescription } from "../testing/model-description.js";
import { modelCard } from "./model-card.js";

/** The text of an entry, put together again; its label is said once for several in a row. */
function entry(label: string, changes: Partial<ModelDescription> = {}): string | undefined {
  const card = `${modelCard(modelDescription(changes))}\n`;
  return new RegExp(`^${label}  +((?:.*\n)(?: {14}.*\n)*)`, "m")
    .exec(card)?.[1]
    ?.trim()
    .replace(/\n */g, " ");
}

describe("modelCard", () => {
  it("lines up what is known", () => {
    expect(modelCard(modelDescription())).toBe(
      `model         yolo11n.onnx
known to aiw  yes, as YOLO11 (YOLOv8 has the same layout)
input         images 1x3x640x640 float32, of fixed size
output        output0 1x84x8400 float32
classes       2: person, bicycle
precision     fp32
size          10.7 MB · 2.62 M parameters · 6.54 GFLOP a frame at 640x640
format        ONNX opset 17, IR 8, written by pytorch 2.9.0
sha256        adeb0633942f82f47e755d48bf4b724b9abc3f874ba613a015c67b573a9cd7b4
runtime       onnxruntime 1.32.0
provider      CPUExecutionProvider starts
aiw will      fit each frame into 640x640, its aspect kept and the rest padded,
              and suppress overlapping boxes of the same class (NMS)`,
    );
  });

  it("names the first dozen classes and how many there are", () => {
    const names = Array.from({ length: 80 }, (_, i) => `c${i}`);
    expect(entry("classes", { classes: { names, source: "metadata" } })).toBe(
      "80: c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, …",
    );
    expect(entry("classes", { classes: { names: names.slice(0, 12), source: "assumed" } })).toBe(
      "12 (assumed): c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11",
    );
    expect(entry("classes", { classes: null })).toBeUndefined();
  });

  it.each([
    ["MODEL_UNKNOWN_LAYOUT", "no: its output is laid out as in none of the families that aiw reads"],
    ["MODEL_UNSUPPORTED_TASK", 'no: it is for the task "segment", and aiw detects objects'],
    ["MODEL_UNSUPPORTED_INPUT", "no: aiw feeds one input 1x3xHxW of float32 or float16"],
    ["INFERENCE_FAILED", "no: the very reason"],
  ])("says plainly why it is not known: %s", (name, said) => {
    const refusal = { name, message: "the very reason" };
    const changes = { family: null, refusal, task: "segment", suppression: null };
    expect(entry("known to aiw", changes)).toBe(said);
    expect(entry("aiw will", changes)).toBe("not run it");
  });

  it("names a family that it has no name for", () => {
    expect(entry("known to aiw", { family: "rtdetr" })).toBe("yes, as rtdetr");
  });

  it("says at which size a dynamic model runs", () => {
    const input = { ...modelDescription().input!, shape: ["batch", 3, null, "width"], dynamic: true };
    expect(entry("input", { input })).toBe(
      "images batch x 3 x ? x width float32, of any size; run at 640x640",
    );
  });

  it("shows the shares of a mixed precision, and not what is next to nothing", () => {
    const shares = { int8: 0.7, fp32: 0.2995, fp64: 0.0005 };
    expect(entry("precision", { precision: { name: "mixed int8 QDQ and fp32", shares } })).toBe(
      "mixed int8 QDQ and fp32 (of the parameters int8 70.0 %, fp32 29.9 %)",
    );
  });

  it.each([
    [
      { gflop: null, gflop_unknown: "it has 2 inputs" },
      "10.7 MB · 2.62 M parameters · GFLOP unknown: it has 2 inputs",
    ],
    [{ input: null, gflop: 0 }, "10.7 MB · 2.62 M parameters · 0 GFLOP a frame"],
    [{ bytes: 999, parameters: 0 }, "999 B · 0 parameters · 6.54 GFLOP a frame at 640x640"],
    [
      { bytes: 5e12, parameters: 7_240_000_000, gflop: 1234.5 },
      "5000 GB · 7.24 G parameters · 1235 GFLOP a frame at 640x640",
    ],
  ])("size of %j", (changes, said) => {
    expect(entry("size", changes)).toBe(said);
  });

  it("says of each provider whether it starts, and why not", () => {
    const providers = [
      { name: "CUDA", starts: false, reason: "libcublas.so is missing" },
      { name: "Azure", starts: true, reason: "it takes none of this model's operators" },
      { name: "CPU", starts: true, reason: null },
    ];
    const card = modelCard(modelDescription({ providers }));
    expect(card).toContain(
      "provider      CUDA does not start: libcublas.so is missing\n" +
        "              Azure starts, but it takes none of this model's operators\n" +
        "              CPU starts\n",
    );
  });

  it("tells what the metadata does, and every note", () => {
    const metadata = {
      author: "Someone",
      license: "AGPL-3.0",
      date: "2026-11-22T14:29:54.862905+00:00",
      version: "8.4",
      description: "A model",
    };
    const card = modelCard(modelDescription({ metadata, warnings: ["first", "second"] }));
    expect(card).toContain("about         A model · Someone · version 8.4 · 2026-11-22\n");
    expect(card).toContain("licence       AGPL-3.0\n");
    expect(card).toMatch(/\nnote {10}first\n {14}second$/);
  });

  it("keeps to 80 columns, but for words that are longer", () => {
    const names = Array.from({ length: 12 }, (_, i) => `a long name of the class ${i}`);
    const lines = modelCard(modelDescription({ classes: { names, source: "metadata" } })).split("\n");
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    const file = `/${"folder/".repeat(20)}m.onnx`;
    expect(modelCard(modelDescription({ file }))).toContain(`model         ${file}\n`);
  });

  it("gives a terminal nothing to obey, whatever is in a model", () => {
    const evil = "\x1b]0;title\x07\x1b[2J\u202e\r\nfake line";
    const card = modelCard(
      modelDescription({
        file: evil,
        classes: { names: [evil], source: "metadata" },
        outputs: [{ name: evil, shape: [evil], dtype: evil }],
        metadata: { author: evil, license: evil, date: evil, version: evil, description: evil },
        warnings: [evil],
      }),
    );
    // eslint-disable-next-line no-control-regex -- what must not be there
    expect(card.replaceAll("\n", "")).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/);
    expect(card.split("\n").filter((line) => line.startsWith("fake"))).toEqual([]);
  });
});
