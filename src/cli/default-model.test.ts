import { describe, expect, it } from "vitest";
import type { Settings } from "../config/settings.js";
import { EMBEDDED_MODEL, withModel } from "./default-model.js";
import type { SourceName } from "../config/source-names.js";

const source = (uri: string): SourceName => ({ kind: "source", uri });
const SCENE = source("synthetic:?seed=7");
const REMOTE: Settings = { worker: { host: "box", port: 7001, tls: false } };

describe("withModel", () => {
  it("is the model that is given, whatever is looked at", () => {
    expect(withModel({ model: "a.onnx" }, [SCENE]).model).toBe("a.onnx");
    expect(withModel({ ...REMOTE, model: "a.onnx" }, [source("street.mp4")]).model).toBe("a.onnx");
  });

  it("is the embedded detector where only the scene is looked at", () => {
    expect(withModel({ conf: 0.5 }, [SCENE, source("SYNTHETIC:")])).toEqual({
      conf: 0.5,
      model: EMBEDDED_MODEL,
    });
  });

  it.each([
    ["a video", [source("street.mp4")], "knows only synthetic:, not --source street.mp4"],
    ["something beside the scene", [SCENE, source("a.jpg")], "not --source a.jpg"],
    ["a camera of that name", [{ kind: "camera", uri: "synthetic:" }], "not --camera synthetic:"],
    ["a stream, without its secrets", [source("http://a:b/c@h/x?token=t")], /^(?!.*token=t)(?!.*b\/c)/],
  ] as const)("is for nothing else: %s", (_, sources, message) => {
    expect(() => withModel({}, sources)).toThrow(message);
    expect(() => withModel({}, sources)).toThrow(expect.objectContaining({ code: "NO_MODEL" }));
  });

  it("is a shape of ours for a worker of ours alone", () => {
    const model = "shape:yolo11s";
    expect(withModel({ model }, [source("street.mp4")]).model).toBe(model);
    expect(() => withModel({ ...REMOTE, model }, [SCENE])).toThrow(
      expect.objectContaining({
        code: "USAGE",
        message: expect.stringContaining(`aiw models build ${model}`),
      }),
    );
  });

  it("is not known to a worker elsewhere", () => {
    expect(() => withModel(REMOTE, [SCENE])).toThrow("--worker box: give the model with --model");
  });
});
