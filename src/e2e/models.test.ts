import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { aiw, hasShared, media, model } from "./aiw.js";
import { scratchFolder } from "./scratch-folder.js";

const { folder, file, subfolder } = scratchFolder("models");

describe("aiw models", () => {
  it.each([
    [["models", "--help"], "aiw models describe yolo11n.onnx"],
    [["models", "describe", "--help"], "aiw models describe yolo11n.onnx --json"],
    [["models", "build", "--help"], "aiw models build shape:yolo11s"],
  ])("%j shows examples", async (args, example) => {
    const { code, stdout, stderr } = await aiw(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("Examples:");
    expect(stdout).toContain(example);
  });

  it.each([
    [["models", "build", "shape:yolo11s"], "NOT_BUILT", "aiw models build is not built yet"],
    [["models", "describe"], "USAGE", "file"],
    [["models", "describe", "a.onnx", "b.onnx"], "USAGE", "too many arguments"],
    [["models", "describe", "a.onnx", "--threads", "none"], "USAGE", '--threads "none"'],
    [["models", "nonsense"], "USAGE", "nonsense"],
  ])("%j exits 2", async (args, name, said) => {
    const { code, stdout, stderr } = await aiw(args);
    expect(stderr).toMatch(new RegExp(`^aiw: error ${name}: .*\\n$`));
    expect(stderr).toContain(said);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  // None of these needs Python: nothing is made or started for what is no model.
  it.each([
    [
      "missing",
      () => join(folder, "none.onnx"),
      "MODEL_NOT_FOUND",
      "yolo export model=yolo11n.pt format=onnx",
    ],
    ["a checkpoint", () => file("m.pt", "PK\x03\x04m/data.pkl"), "MODEL_NOT_EXPORTED", "AGPL-3.0"],
    ["empty", () => file("empty.onnx", ""), "MODEL_EMPTY", "empty.onnx"],
    ["a folder", () => subfolder("models"), "MODEL_NOT_A_FILE", "is a folder"],
    ["a device", () => "/dev/null", "MODEL_NOT_A_FILE", "/dev/null"],
    [
      "a pointer",
      () => file("lfs.onnx", "version https://git-lfs.github.com/spec/v1\n"),
      "MODEL_NOT_FETCHED",
      "git lfs pull",
    ],
  ])("refuses what is %s, as run does", async (_, path, name, said) => {
    const noPython = { AIW_PYTHON: "/nowhere/python" };
    const given = path();
    const results = [
      await aiw(["models", "describe", given], noPython),
      await aiw(["run", "--model", given, "--source", "synthetic:"], noPython),
    ];
    for (const { code, stdout, stderr } of results) {
      expect(stderr).toMatch(new RegExp(`^aiw: error ${name}: .*\\n$`));
      expect(stderr).toContain(said);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    }
  });
});

describe.skipIf(!hasShared)("aiw models describe (skipped without the shared test data)", () => {
  it("shows a card of a model, from a path with spaces, and nothing on stderr", async () => {
    symlinkSync(model("yolo11n"), join(folder, "my own model.onnx"));
    const { code, stdout, stderr } = await aiw(["models", "describe", join(folder, "my own model.onnx")]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    // Where the temporary folder has a long path, the line is wrapped.
    expect(stdout.replace(/\n {2,}/g, " ")).toContain("my own model.onnx\n");
    expect(stdout).toMatch(/^known to aiw {2}yes, as YOLO11 /m);
    expect(stdout).toMatch(/^size .* 2\.62 M parameters · 6\.54 GFLOP a frame at 640x640$/m);
    expect(stdout).toMatch(/CPUExecutionProvider starts\n/);
  });

  it("gives JSON of the same", async () => {
    const { code, stdout, stderr } = await aiw(["models", "describe", "--json", model("yolox-nano")]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({
      schema: "aiw.model/1",
      file: model("yolox-nano"),
      family: "yolox",
      suppression: "of all classes",
      input: { width: 416, height: 416 },
      refusal: null,
    });
  });

  it("describes a model of unknown layout, and fails with what a run would say", async () => {
    const { code, stdout, stderr } = await aiw(["models", "describe", model("fastestdet")]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^known to aiw {2}no: /m);
    expect(stdout).toMatch(/^output +758 1x85x22x22 float32$/m);
    expect(stderr).toMatch(/^aiw: error MODEL_UNKNOWN_LAYOUT: .*758 1x85x22x22.*\n$/);
    const json = await aiw(["models", "describe", "--json", model("fastestdet")]);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      family: null,
      refusal: { name: "MODEL_UNKNOWN_LAYOUT" },
    });
  });

  it.each([
    [
      "cut off",
      () => file("cut.onnx", readFileSync(model("yolox-nano")).subarray(0, 50_000)),
      "MODEL_TRUNCATED",
    ],
    ["text", () => file("text.onnx", "hello\n"), "MODEL_NOT_ONNX"],
    ["a picture", () => media("bus.jpg"), "MODEL_NOT_ONNX"],
  ])("refuses what is %s with one line", async (_, path, name) => {
    const { code, stdout, stderr } = await aiw(["models", "describe", path(), "--json"]);
    expect(stderr).toMatch(new RegExp(`^aiw: error ${name}: .*\\n$`));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });
});
