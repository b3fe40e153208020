import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseConfigFile } from "./config-file.js";
import { configTemplate, isUnedited, withoutChecksum } from "./config-template.js";
import { resolveSettings } from "./settings.js";

const MODEL = {
  path: "models/yolo11s.onnx",
  description: "YOLO11, 80 classes",
  classNames: ["person", "car"],
};

/** The template with every setting that it comments out switched on. */
function switchedOn(text: string): string {
  return text.replace(/^# (?=[a-z_]+:| {2}- )/gm, "");
}

describe("configTemplate", () => {
  it("is a valid configuration that says nothing but the model", () => {
    const file = parseConfigFile("/home/a/aiw.yaml", configTemplate(MODEL));
    expect(resolveSettings([file])).toEqual({ model: "/home/a/models/yolo11s.onnx" });
    expect(resolveSettings([parseConfigFile("/home/a/aiw.yaml", configTemplate(undefined))])).toEqual({});
  });

  it("has only settings that exist, with values that are taken, commented out", () => {
    const file = parseConfigFile("/home/a/aiw.yaml", switchedOn(configTemplate(MODEL)));
    expect(resolveSettings([file])).toMatchObject({
      source: ["/home/a/street.mp4"],
      camera: ["default"],
      conf: 0.35,
      iou: 0.45,
      classes: ["person", "car"],
      size: { width: 640, height: 480 },
      engine: "onnxruntime",
      device: "cpu",
      threads: 2,
      gates: [{ name: "recall", limit: 0.9 }],
    });
  });

  it("says what runs the model where that is settled, with a model and without", () => {
    for (const model of [MODEL, undefined]) {
      const text = configTemplate(model, { engine: "onnxruntime", device: "cuda", threads: 3 });
      expect(resolveSettings([parseConfigFile("/home/a/aiw.yaml", text)])).toMatchObject({
        engine: "onnxruntime",
        device: "cuda",
        threads: 3,
      });
      expect(isUnedited(text)).toBe(true);
    }
  });

  it("survives any file name and class name", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.array(fc.string()), (path, classNames) => {
        const text = configTemplate({ path: `./${path}`, description: "a model", classNames });
        const file = parseConfigFile("/aiw.yaml", text);
        expect(Object.keys(file.values).filter((key) => key !== "source")).toEqual(["model"]);
        expect(isUnedited(text)).toBe(true);
      }),
    );
  });
});

describe("withoutChecksum", () => {
  it("takes the line away wherever it stands by now, and leaves a file without one alone", () => {
    const text = configTemplate(MODEL);
    expect(withoutChecksum(text)).not.toContain("checksum");
    expect(withoutChecksum(`${text}conf: 0.7\n`)).toBe(`${withoutChecksum(text)}conf: 0.7\n`);
    expect(withoutChecksum("model: a.onnx\n")).toBe("model: a.onnx\n");
  });
});

describe("isUnedited", () => {
  it("knows its own files, for whatever model", () => {
    expect(isUnedited(configTemplate(MODEL))).toBe(true);
    expect(isUnedited(configTemplate(undefined))).toBe(true);
  });

  it.each([
    ["a value that was changed", (text: string) => text.replace("yolo11s", "mine")],
    ["a line that was added at the end", (text: string) => `${text}conf: 0.5\n`],
    ["a line that was added at the top", (text: string) => `conf: 0.5\n${text}`],
    ["a checksum that was cut off", (text: string) => text.replace(/\n# checksum.*\n$/, "\n")],
    ["a checksum that was altered", (text: string) => text.replace(/checksum ./, "checksum x")],
    ["somebody's own file", () => "model: mine.onnx\n"],
    ["an empty file", () => ""],
  ])("finds %s", (_, edit) => {
    const edited = edit(configTemplate(MODEL));
    expect(isUnedited(edited)).toBe(false);
  });
});
