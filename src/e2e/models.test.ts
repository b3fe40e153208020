import { existsSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cacheDir } from "../worker-process/cache-dir.js";
import { aiw, hasShared, media, model, startAiw, workerOf } from "./aiw.js";
import { scratchFolder } from "./scratch-folder.js";

const { folder, file, subfolder } = scratchFolder("models");

/** A cache without shapes, of which the Python environments are those that are made already. */
const cacheOf = (name: string) => {
  const cache = subfolder(name);
  const environments = join(cacheDir(process.env, process.platform, homedir()), "env");
  if (existsSync(environments)) symlinkSync(environments, join(cache, "env"));
  return cache;
};

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
    [["models", "build"], "USAGE", "shape"],
    [["models", "build", "yolo11s"], "USAGE", "known are shape:yolo11n, shape:yolo11s"],
    [["models", "build", "shape:yolo12"], "USAGE", '"shape:yolo12"'],
    [["models", "build", "shape:yolo11n", "--size", "641x640"], "USAGE", '--size "641x640"'],
    [["models", "build", "shape:yolo11n", "--size", "native"], "USAGE", "multiples of 32"],
    [["models", "build", "shape:yolo11n", "--size", "8192x32"], "USAGE", "up to 4096"],
    [["models", "build", "shape:yolo11n", "--seed", "-1"], "USAGE", '--seed "-1"'],
    [["models", "build", "shape:yolo11n", "--out", "-"], "USAGE", "--out -"],
    [["models", "build", "shape:yolo11n", "--out", "package.json"], "USAGE", "aiw did not build it"],
    [["models", "describe", "shape:yolo12"], "USAGE", "known are shape:yolo11n"],
    [["run", "--model", "shape:yolo12", "--source", "synthetic:"], "USAGE", "known are shape:yolo11n"],
    [["bench", "--model", "shape:yolo11s", "--worker", "box:1"], "USAGE", "aiw models build shape:yolo11s"],
    [["bench", "--model", "shape:yolo11s", "--gate", "recall>=90%"], "USAGE", "detects nothing"],
    [["bench", "--model", "shape:yolo11s", "--gate", "detections>=1"], "USAGE", "detects nothing"],
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

describe("aiw models build", () => {
  it("writes a model of the size that is asked for, which describe knows; again where it lies", async () => {
    const out = join(folder, "built.onnx");
    for (const seed of ["1", "2"]) {
      const built = await aiw([
        "models",
        "build",
        "shape:yolo11n",
        "--size",
        "96x64",
        "--seed",
        seed,
        "--out",
        out,
      ]);
      expect(built.stderr).toContain("detects nothing");
      expect([built.code, built.stdout]).toEqual([0, `${out}\n`]);
    }
    expect(readdirSync(folder).filter((name) => name.startsWith("built"))).toEqual(["built.onnx"]);
    const { code, stdout } = await aiw(["models", "describe", out, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      family: "yolo11",
      refusal: null,
      input: { width: 96, height: 64, dynamic: false },
      warnings: ["shape only: random weights, no detections to expect"],
    });
  });

  it("leaves what it has not built, unless that is what is wanted", async () => {
    const out = file("mine.onnx", "mine");
    const args = ["models", "build", "shape:yolo11n", "--size", "32x32", "--dynamic", "--out", out];
    expect((await aiw(args)).code).toBe(2);
    expect(readFileSync(out, "utf8")).toBe("mine");
    expect((await aiw([...args, "--force"])).code).toBe(0);
    expect(readFileSync(out, "latin1")).toContain("aiw-shape");
  });

  it.each([
    ["a folder that is not there", () => join(folder, "nowhere", "m.onnx")],
    ["a folder", () => subfolder("taken")],
    ["a device, even with --force", () => "/dev/null"],
  ])("cannot write to %s, which is known before Python is needed", async (_, out) => {
    const args = ["models", "build", "shape:yolo11n", "--force", "--out", out()];
    const { code, stdout, stderr } = await aiw(args, { AIW_PYTHON: "/nowhere/python" });
    expect(stderr).toMatch(/^aiw: error OUTPUT_FAILED: .*\n$/);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  it("interrupted, leaves nothing; where it came too late, a whole file", async () => {
    const empty = subfolder("interrupted");
    const running = startAiw(["models", "build", "shape:yolo11x", "--out", join(empty, "m.onnx")]);
    await expect.poll(() => workerOf(running.child.pid!), { timeout: 30_000 }).toBeDefined();
    running.child.kill("SIGINT");
    const { code } = await running.finished;
    expect([0, 130]).toContain(code);
    expect(readdirSync(empty)).toEqual(code === 0 ? ["m.onnx"] : []);
  });
});

describe("a model that is named by its shape", () => {
  it("is built once, runs, and its reports and configuration say what it is", async () => {
    const env = { AIW_CACHE: cacheOf("shape-cache") };
    const [report, config] = ["shape.json", "aiw.yaml"].map((name) => join(folder, name));
    const bench = ["bench", "--model", "shape:yolo11n", "--fps", "2", "--warmup", "0s", "--duration", "2s"];
    const first = await aiw([...bench, "--json", report!, "--gate", "p95<100s"], env);
    expect(first.stderr).toContain("aiw: warning: shape only");
    expect(first.stderr).toMatch(/^warning {5}shape only: random weights, no detections to expect$/m);
    const { environment, detections, truth, settings } = JSON.parse(readFileSync(report!, "utf8"));
    expect(environment).toMatchObject({
      model: "shape:yolo11n",
      family: "yolo11",
      warnings: ["shape only: random weights, no detections to expect"],
    });
    expect(detections.total).toBe(0);
    // It can find nothing, and what was asked for is "auto".
    expect([truth, settings.pixel_format]).toEqual([undefined, "rgb24"]);
    const shapes = join(env.AIW_CACHE, "shapes");
    expect(readdirSync(shapes).sort()).toEqual(["parts", "yolo11n-1.onnx"]);
    const { mtimeMs } = statSync(join(shapes, "yolo11n-1.onnx"));
    const init = await aiw(["init", "--model", "shape:yolo11n", "--config", config!], env);
    expect({ code: init.code, stdout: init.stdout }).toEqual({ code: 0, stdout: "" });
    expect(readFileSync(config!, "utf8")).toMatch(/^model: shape:yolo11n$/m);
    const run = await aiw(["run", "--config", config!, "--source", "synthetic:", "--frames", "1"], env);
    expect(run.code).toBe(0);
    expect(run.stderr).toMatch(/\nwarning: shape only: random weights, no detections to expect\n$/);
    expect(statSync(join(shapes, "yolo11n-1.onnx")).mtimeMs).toBe(mtimeMs);
  }, 60_000);
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
