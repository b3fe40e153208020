import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { cacheDir } from "../worker-process/cache-dir.js";
import { ensurePython } from "../worker-process/python-env.js";
import { locksOf, type Variant } from "../worker-process/variants.js";
import { aiw, type Json } from "./aiw.js";
import { scratchFolder } from "./scratch-folder.js";

const WORKER_DIR = fileURLToPath(new URL("../../worker", import.meta.url));
const { folder, file } = scratchFolder("engines");
const EMPTY_CONFIG = file("empty.yaml", "");
const BENCH = ["bench", "--config", EMPTY_CONFIG, "--fps", "5", "--duration", "1s", "--warmup", "0s"];
/** No AIW_PYTHON unless the test is about it. */
const managed = { AIW_PYTHON: "" };

/** The interpreter of just this variant's environment, made when it is not there. */
async function interpreterOf(variant: Variant): Promise<string> {
  const { lockFile } = locksOf(WORKER_DIR, variant);
  const cache = resolve(cacheDir(process.env, process.platform, homedir()));
  const { python } = await ensurePython({
    env: { ...process.env, ...managed },
    lockFile,
    cacheDir: cache,
  });
  return python;
}

describe("--engine openvino", () => {
  let cpuOnly: string;
  beforeAll(async () => {
    await interpreterOf("openvino");
    cpuOnly = await interpreterOf("cpu");
  }, 600_000);

  it("runs in the environment that has it", async () => {
    const { code, stdout, stderr } = await aiw([...BENCH, "--engine", "openvino", "--json", "-"], managed);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const { environment, detections }: Json = JSON.parse(stdout);
    expect(environment).toMatchObject({ engine: "openvino", provider: "CPU" });
    expect(detections.total).toBeGreaterThan(0);
  });

  it("is what init sets up, and aiw.yaml says from then on", async () => {
    const config = join(folder, "aiw.yaml");
    const init = await aiw(["init", "--config", config, "--engine", "openvino"], managed);
    expect(init.stderr).toMatch(/✔ environment +Python [\d.]+ for openvino, in /);
    expect(init.code).toBe(0);
    expect(readFileSync(config, "utf8")).toMatch(/^engine: openvino$/m);
    const doctor = await aiw(["doctor", "--config", config, "--json"], managed);
    const checks: Json[] = JSON.parse(doctor.stdout).checks;
    const detail = (id: string): string => checks.find((check) => check.id === id)?.detail;
    expect(detail("python")).toContain(resolve(await interpreterOf("openvino"), "..", ".."));
    expect(detail("packages")).toMatch(/^\d+ packages as in the lock$/);
    expect(detail("model")).toContain("openvino CPU");
  });

  it("says of an interpreter of the user's own that it is not there, and the way out", async () => {
    const { code, stderr } = await aiw([...BENCH, "--engine", "openvino"], { AIW_PYTHON: cpuOnly });
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toMatch(/error ENGINE_MISSING: AIW_PYTHON=.*openvino.*--engine onnxruntime/);
    expect(code).toBe(1);
  });

  it("does not go with CUDA, which is said before anything is started", async () => {
    const args = [...BENCH, "--engine", "openvino", "--device", "cuda"];
    const { code, stdout, stderr } = await aiw(args, managed);
    expect(stderr).toMatch(/^aiw: error USAGE: --engine openvino does not run on --device cuda/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });
});
