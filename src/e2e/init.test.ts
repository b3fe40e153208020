import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { isUnedited } from "../config/config-template.js";
import { aiw, hasShared, model, startAiw } from "./aiw.js";

function folder() {
  const path = mkdtempSync(join(tmpdir(), "aiw-init-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  const config = join(path, "aiw.yaml");
  return { path, config, text: () => readFileSync(config, "utf8") };
}

/** Runs what follows in a folder. */
const inFolder = (dir: string) => ["sh", "-c", 'cd "$0" && exec "$@"', dir];

const init = (config: string, ...args: string[]) => aiw(["init", "--config", config, ...args]);

describe("aiw init", () => {
  it("makes a folder ready with the built-in detector, and finds everything done the next time", async () => {
    const { path, config, text } = folder();
    const { code, stdout, stderr } = await init(config, "--json");
    expect(stderr).toMatch(/✔ environment .*\n✔ ffmpeg .*\n✔ model {9}the built-in one/);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      schema: "aiw.init/1",
      environment: { kind: expect.stringMatching(/managed|given/), version: expect.stringMatching(/^3\./) },
      ffmpeg: { version: expect.any(String) },
      model: {
        ...{ embedded: true, family: "yolo11", opset: 17, refusal: null },
        input: { width: 640, height: 480, dynamic: false },
        classes: { names: ["person", "car", "bicycle", "dog", "bottle"], source: "metadata" },
        providers: expect.arrayContaining([
          expect.objectContaining({ name: "CPUExecutionProvider", starts: true }),
        ]),
      },
      first_frames: { provider: "CPUExecutionProvider" },
      config: { path: config, action: "written" },
    });
    expect(report.model.gflop).toBeGreaterThan(1);
    expect(report.first_frames.latency_ms.count).toBeGreaterThan(0);
    expect(readdirSync(path)).toEqual(["aiw.yaml"]);
    const written = text();
    expect(isUnedited(written)).toBe(true);

    const again = await init(config, "--json");
    expect(JSON.parse(again.stdout).config).toEqual({ path: config, action: "unchanged" });
    expect(text()).toBe(written);
  });

  it("says a word to people only, and nothing with --quiet", async () => {
    const { code, stdout, stderr } = await init(folder().config, "--quiet");
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("writes the file that the folder's commands already take their settings from", async () => {
    const { path, config, text } = folder();
    writeFileSync(config, "conf: 0.6\n");
    const below = join(path, "below");
    mkdirSync(below);
    const { code, stderr } = await startAiw(["init"], {}, undefined, inFolder(below)).finished;
    expect(code).toBe(0);
    expect(stderr).toContain("has edits and is kept as it is");
    expect(text()).toBe("conf: 0.6\n");
    expect(readdirSync(below)).toEqual([]);
  });

  it.skipIf(!hasShared)(
    "puts the model asked for into an edited file, and keeps all else of it",
    async () => {
      const { config, text } = folder();
      writeFileSync(config, "conf: 0.6 # mine\nsize: 320x240\n");
      const { stdout, stderr } = await init(config, "--model", model("yolox-nano"), "--json");
      expect(text()).toBe(`conf: 0.6 # mine\nsize: 320x240\nmodel: ${model("yolox-nano")}\n`);
      expect(stderr).toContain("has edits: changed as follows, all else is kept");
      const { config: outcome, next } = JSON.parse(stdout);
      expect(outcome.action).toBe("changed");
      expect(next[0].command).toBe("aiw run --source street.mp4");
      expect(JSON.parse((await init(config, "--json")).stdout).config.action).toBe("kept");
    },
  );

  it("keeps an edited configuration, shows what it would write, and does so with --force", async () => {
    const { config, text } = folder();
    writeFileSync(config, "conf: 0.6\n");
    const kept = await init(config, "--json");
    expect(kept.code).toBe(0);
    expect(kept.stderr).toContain("has edits and is kept as it is; --force overwrites it");
    expect(kept.stderr).toContain("\n-conf: 0.6\n");
    expect(JSON.parse(kept.stdout).config.action).toBe("kept");
    expect(text()).toBe("conf: 0.6\n");
    expect((await init(config, "--force")).code).toBe(0);
    expect(isUnedited(text())).toBe(true);
  });

  it.each([
    ["a model that is not there", ["--model", "no.onnx"], 1, /MODEL_NOT_FOUND: .*no\.onnx.*yolo export/],
    [
      "a configuration that cannot be written",
      ["--config", "/no/such/aiw.yaml"],
      1,
      /OUTPUT_FAILED|CONFIG_INVALID/,
    ],
    ["what is about another flag", ["--calibrate", "a.mp4"], 2, /USAGE: --calibrate is about --optimize/],
    ["what does not go together", ["--optimize", "--device", "cuda"], 2, /USAGE: --optimize is for the CPU/],
  ])("refuses %s in one line, before anything is made", async (_, args, exit, message) => {
    const { path, config } = folder();
    const { code, stdout, stderr } = await init(config, ...args);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
    expect(readdirSync(path)).toEqual([]);
  });

  it("names file, line and key of a configuration that is wrong, and leaves it alone", async () => {
    const { config, text } = folder();
    writeFileSync(config, "# mine\nmodell: a.onnx\n");
    const { code, stderr } = await init(config);
    expect(stderr).toMatch(/^aiw: error CONFIG_INVALID: aiw\.yaml:2: unknown key "modell"/);
    expect(code).toBe(2);
    expect(text()).toBe("# mine\nmodell: a.onnx\n");
  });

  it("answers weights with how to export them, and does not do so unasked", async () => {
    const { path, config } = folder();
    const weights = join(path, "mine.pt");
    writeFileSync(weights, "not looked into");
    const told = await init(config, "--model", weights);
    expect(told.code).toBe(1);
    expect(told.stderr).toMatch(/MODEL_NOT_EXPORTED: .*yolo export model=\S*mine\.pt format=onnx.*AGPL-3\.0/);
    const asked = await init(config, "--model", weights, "--export");
    expect(asked.code).toBe(2);
    expect(asked.stderr).toMatch(/AGPL-3\.0[^]*error USAGE: --export asks .* add --yes/);
    expect(readdirSync(path)).toEqual(["mine.pt"]);
  });

  it.skipIf(!hasShared)(
    "sets up a model of the user's, which bench then runs without being told",
    async () => {
      const { config, text } = folder();
      const { code } = await init(config, "--model", model("yolox-nano"));
      expect(code).toBe(0);
      expect(text()).toContain(`\nmodel: ${model("yolox-nano")}\n`);
      expect(text()).toMatch(
        /relative to this file: yolox, 80 classes, input 416x416, fp32, 0\.90 M parameters/,
      );
      const bench = await aiw([
        ...["bench", "--config", config, "--frames", "3", "--warmup", "0s", "--json", "-"],
      ]);
      expect(JSON.parse(bench.stdout).environment.model).toBe("yolox-nano.onnx");
    },
  );

  it.skipIf(!hasShared)("describes a model that aiw cannot run, and writes nothing", async () => {
    const { config } = folder();
    const { code, stderr } = await init(config, "--model", model("fastestdet"));
    expect(code).toBe(1);
    expect(stderr).toMatch(/known to aiw {2}no[^]*error MODEL_UNKNOWN_LAYOUT/);
    expect(existsSync(config)).toBe(false);
  });
});
