import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { frameFiles, writeFrames } from "../optimize/frame-store.js";
import { provenancePath } from "../optimize/provenance.js";
import { SyntheticScene } from "../scene/synthetic-scene.js";
import { OptimizeSteps } from "../worker-process/optimize-steps.js";
import { aiw, childrenOf, type Json, startAiw } from "./aiw.js";
import { scratchFolder } from "./scratch-folder.js";

const BUILT_IN = fileURLToPath(new URL("../../worker/models/synthetic.onnx", import.meta.url));
const WORKER_DIR = fileURLToPath(new URL("../../worker", import.meta.url));
const SIZE = { width: 640, height: 480 };
const PICTURES = 24;
/** Of them: each third one calibrates. */
const JUDGED = 16;

const { folder, subfolder } = scratchFolder("optimize");
const cache = join(folder, "cache");
const pictures = subfolder("pictures");
const here = subfolder("here");
const source = join(here, "mine.onnx");
const config = join(here, "aiw.yaml");
const env = { AIW_CACHE: cache, AIW_PYTHON: "" };

/** Frames of the scene that the built-in detector knows, some while apart. */
async function drawPictures(): Promise<Uint8Array[]> {
  const scene = new SyntheticScene({ ...SIZE, seed: 3, objects: 8, crowded: false, fps: 30 });
  const all = Array.from({ length: PICTURES }, (_, index) => {
    const pixels = new Uint8Array(3 * SIZE.width * SIZE.height);
    scene.draw(pixels, 15 * index);
    return pixels;
  });
  for (const [index, pixels] of all.entries()) {
    const png = sharp(pixels, { raw: { ...SIZE, channels: 3 } }).png({ compressionLevel: 1 });
    await png.toFile(join(pictures, `${100 + index}.png`));
  }
  return all;
}

let frames: Uint8Array[] = [];

beforeAll(async () => {
  frames = await drawPictures();
  copyFileSync(BUILT_IN, source);
  // The machine's own Python, so that an empty cache costs nothing.
  const { stdout } = await aiw(["init", "--json", "--config", join(folder, "first.yaml")]);
  env.AIW_PYTHON = JSON.parse(stdout).environment.python;
});

/** Runs aiw where the model lies. */
const start = (args: readonly string[]) =>
  startAiw(args, env, undefined, ["sh", "-c", 'cd "$0" && exec "$@"', here]);

const OPTIMIZE = ["init", "--optimize", "--engine", "onnxruntime", "--json"];
const optimize = (...args: string[]) => start([...OPTIMIZE, ...args]);
const usual = () => optimize("--model", "mine.onnx", "--calibrate", pictures);

const workFolder = () => {
  const optimized = join(cache, "optimized");
  const [name = ""] = existsSync(optimized) ? readdirSync(optimized) : [];
  return join(optimized, name.replace(/\.lock$/, ""), "work");
};

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

// Each loads a model many times: on a busy machine that takes a minute.
describe.skipIf(process.platform !== "linux")("aiw init --optimize", { timeout: 240_000 }, () => {
  let report: Json;

  it("keeps what it found out when it is interrupted, and leaves no process", async () => {
    const running = usual();
    const { pid = 0 } = running.child;
    await expect.poll(() => existsSync(join(workFolder(), "findings.json")), { timeout: 120_000 }).toBe(true);
    await expect.poll(() => childrenOf(pid).length, { timeout: 60_000 }).toBeGreaterThan(0);
    const children = childrenOf(pid);
    running.child.kill("SIGINT");
    const { code, stdout, stderr } = await running.finished;
    expect(stderr).not.toContain("error");
    expect(stderr).toContain("what was done is kept; the same command goes on from there");
    expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
    expect(children.filter(isRunning)).toEqual([]);
    expect(existsSync(config)).toBe(false);
    const left = readdirSync(workFolder());
    expect(left).toEqual(expect.arrayContaining(["findings.json", "fp32-own.onnx"]));
    // Frames are large, and taken anew.
    expect(left.filter((name) => /\.(rgb|part)$/.test(name))).toEqual([]);
  });

  it("goes on from there, and names what is to be run in aiw.yaml", async () => {
    // Twelve frames would never be all that are judged by, were they not what was found out before.
    const file = join(workFolder(), "findings.json");
    const findings = JSON.parse(readFileSync(file, "utf8"));
    expect(findings.reference).toHaveLength(JUDGED);
    const reference = findings.reference.slice(0, 12);
    writeFileSync(file, JSON.stringify({ reference, agreements: {} }));

    const { code, stdout, stderr } = await usual().finished;
    expect(stderr).toMatch(/✔ optimised /);
    expect(code).toBe(0);
    report = JSON.parse(stdout);
    expect(report.optimized).toMatchObject({
      ...{ engine: "onnxruntime", verified: true, judged_frames: 12, min_agreement: 0.95, input: "640x480" },
      calibration: { frames: PICTURES - JUDGED },
      source: { path: source, sha256: report.model.sha256, weights: [] },
    });
    const { candidates, agreement, path, reference_detections: detections } = report.optimized;
    expect(detections).toBeGreaterThanOrEqual(20);
    expect(Math.min(agreement.f1, agreement.mean_iou)).toBeGreaterThanOrEqual(0.95);
    const tried = candidates.map(({ precision }: { precision: string }) => precision);
    expect(report.optimized.versions.python).toMatch(/^3\.\d+\.\d+$/);
    expect(tried).toEqual(expect.arrayContaining(["unchanged", "int8 convolutions", "int8 all operators"]));
    expect(candidates.filter(({ chosen }: { chosen: boolean }) => chosen)).toHaveLength(1);
    expect(candidates.map(({ failure }: { failure: unknown }) => failure)).toEqual(
      candidates.map(() => null),
    );

    const written = parse(readFileSync(config, "utf8"));
    expect(written).toMatchObject({ engine: "onnxruntime" });
    // Which is the fastest, is for the machine to say.
    const isItself = report.optimized.file === null;
    expect(written.model).toBe(isItself ? "mine.onnx" : path);
    expect(existsSync(path)).toBe(true);
    expect(existsSync(provenancePath(path))).toBe(!isItself);
    expect(existsSync(workFolder())).toBe(false);
  });

  it("finds all done the next time", async () => {
    const { code, stdout, stderr } = await usual().finished;
    expect(code).toBe(0);
    expect(stderr).toContain(`, as found ${report.optimized.created}`);
    const again = JSON.parse(stdout);
    expect(again.optimized).toEqual(report.optimized);
    expect(again.config.action).toBe("unchanged");
  });

  it("searches anew with --force, and of an edited file changes only what it found", async () => {
    const unedited = readFileSync(config, "utf8");
    writeFileSync(
      config,
      "# Mine.\nmodel: mine.onnx # the small one\nengine: openvino\ngates: [drops < 5%]\n",
    );
    const { code, stdout, stderr } = await optimize("--calibrate", pictures, "--force").finished;
    expect(stderr).toContain("aiw.yaml has edits: changed as follows, all else is kept");
    expect(code).toBe(0);
    const { optimized } = JSON.parse(stdout);
    expect(optimized.created).not.toBe(report.optimized.created);
    const { path, file, threads } = optimized;
    expect(readFileSync(config, "utf8")).toBe(
      `# Mine.\nmodel: ${file === null ? "mine.onnx" : path} # the small one\n` +
        `${threads === null ? "" : `threads: ${threads}\n`}engine: onnxruntime\ngates: [drops < 5%]\n`,
    );
    report = { ...report, optimized };
    writeFileSync(config, unedited);
  });

  it("makes what has gone from the cache again", async () => {
    // As it is left where the cache is cleared by hand, file by file.
    const { path, file } = report.optimized;
    const found = join(workFolder(), "..", "provenance.json");
    if (file === null)
      writeFileSync(found, JSON.stringify({ ...JSON.parse(readFileSync(found, "utf8")), file: "gone.onnx" }));
    else rmSync(path);
    const { code, stdout } = await usual().finished;
    expect(code).toBe(0);
    const again = JSON.parse(stdout).optimized;
    expect(again.created).not.toBe(report.optimized.created);
    expect(existsSync(again.path)).toBe(true);
  });

  it("refuses to judge by a single picture, and leaves aiw.yaml alone", async () => {
    const before = readFileSync(config, "utf8");
    const { code, stdout, stderr } = await optimize(
      "--model",
      "mine.onnx",
      "--calibrate",
      join(pictures, "100.png"),
    ).finished;
    expect(stderr).toMatch(
      /\naiw: error OPTIMIZE_UNJUDGED: the source has no second frame.*--allow-unverified/,
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(readFileSync(config, "utf8")).toBe(before);
  });

  it.each([
    ["that is not there", "no.mp4", 1, /error SOURCE_NOT_FOUND: there is no no\.mp4/],
    ["of an unknown scheme", "ftp://x/y", 2, /error USAGE: .*ftp/],
  ])("names a source to calibrate with %s", async (_, calibrate, exit, message) => {
    const { code, stdout, stderr } = await optimize("--model", "mine.onnx", "--calibrate", calibrate)
      .finished;
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
  });

  it("does not quantise what is quantised, and warns where it calibrates with the synthetic scene", async () => {
    const quantised = join(here, "int8.onnx");
    await quantise(quantised);
    const other = join(folder, "int8.yaml");
    const { code, stdout, stderr } = await optimize("--model", quantised, "--config", other).finished;
    expect(stderr).toContain("warning: calibrating with the synthetic scene");
    expect(stderr).toContain("int8 was not tried: it is quantised already");
    expect(code).toBe(0);
    const { candidates, precision } = JSON.parse(stdout).optimized;
    expect(candidates).toHaveLength(1);
    expect(precision).toBe("unchanged");
    expect(parse(readFileSync(other, "utf8")).model).toBe("here/int8.onnx");
  });

  it("has every command notice that the original has changed, or is gone", async () => {
    // Beside a copy, so that it does not matter what has won.
    const copy = join(here, "copy.onnx");
    copyFileSync(BUILT_IN, copy);
    const { path: _, ...provenance } = report.optimized;
    const made = { file: "copy.onnx", file_sha256: report.model.sha256 };
    writeFileSync(provenancePath(copy), JSON.stringify({ ...provenance, ...made }));
    const bench = () =>
      start(["bench", "--model", "copy.onnx", "--frames", "2", "--warmup", "0s", "--json", "-"]).finished;
    expect((await bench()).code).toBe(0);

    truncateSync(copy, 100_000);
    const damaged = await bench();
    expect(damaged.stderr).toMatch(/^aiw: error MODEL_STALE: copy\.onnx is damaged: .*aiw init --optimize/m);
    expect({ code: damaged.code, stdout: damaged.stdout }).toEqual({ code: 1, stdout: "" });
    copyFileSync(BUILT_IN, copy);

    writeFileSync(source, Buffer.concat([readFileSync(source), Buffer.alloc(1)]));
    const stale = await bench();
    expect(stale.stderr).toMatch(
      /^aiw: error MODEL_STALE: copy\.onnx was made from \S+mine\.onnx, which has changed/m,
    );
    expect({ code: stale.code, stdout: stale.stdout }).toEqual({ code: 1, stdout: "" });

    rmSync(source);
    const orphan = await bench();
    expect(orphan.stderr).toContain("mine.onnx, which is not there any more");
    expect(orphan.code).toBe(0);
    expect(JSON.parse(orphan.stdout).environment.warnings).toEqual([
      expect.stringMatching(/^copy\.onnx was made from \S+mine\.onnx, which is not there any more: /),
    ]);

    const anew = await optimize("--model", "copy.onnx", "--calibrate", pictures).finished;
    expect(anew.stderr).toMatch(
      /^aiw: error ORIGINAL_GONE: copy\.onnx was made from \S+mine\.onnx, which is not there any more.*--model PATH/m,
    );
    expect({ code: anew.code, stdout: anew.stdout }).toEqual({ code: 1, stdout: "" });
  });
});

/** The built-in model with its convolutions in 8 bits. */
async function quantise(out: string): Promise<void> {
  const options = {
    python: env.AIW_PYTHON,
    kind: "given",
    workerDir: WORKER_DIR,
    cacheDir: cache,
    env: process.env,
  } as const;
  const steps = new OptimizeSteps(options);
  const [prepared, ranges] = [join(folder, "prepared.onnx"), join(folder, "ranges.json")];
  const sampled = frames.slice(0, 4).map((pixels) => ({ pixels, ...SIZE }));
  await steps.prepare(BUILT_IN, undefined, prepared);
  const few = frameFiles(folder, "few");
  await writeFrames(folder, few, sampled);
  await steps.calibrate(prepared, few, sampled.length, ranges);
  await steps.quantize(prepared, ranges, { operators: "conv", keptFloat: "head" }, out);
}
