import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { cacheDir } from "../worker-process/cache-dir.js";
import { envSlot } from "../worker-process/env-store.js";
import { ensurePython } from "../worker-process/python-env.js";
import { nodeScript } from "../worker-process/testing/fakes.js";
import { aiw, type Finished, type Json, startAiw } from "./aiw.js";
import { scratchFolder } from "./scratch-folder.js";

const LOCK_FILE = fileURLToPath(new URL("../../worker/requirements.lock", import.meta.url));
const { folder, file } = scratchFolder("doctor");
/** No aiw.yaml of whoever runs the tests, and no AIW_PYTHON unless the test is about it. */
const EMPTY_CONFIG = file("empty.yaml", "");
const doctor = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  aiw(["doctor", "--config", EMPTY_CONFIG, ...args], { AIW_PYTHON: "", ...env });

function checksOf({ stdout }: Finished): Map<string, Json> {
  const report: Json = JSON.parse(stdout);
  expect(report.schema).toBe("aiw.doctor/1");
  return new Map(report.checks.map((check: Json) => [check.id, check]));
}

describe("aiw doctor on a machine with an environment", () => {
  const cache = resolve(cacheDir(process.env, process.platform, homedir()));
  const env = { AIW_CACHE: cache };
  // What run and bench would do first.
  beforeAll(async () => {
    await ensurePython({ env: { ...process.env, AIW_PYTHON: "" }, lockFile: LOCK_FILE, cacheDir: cache });
  }, 600_000);

  it("really starts the worker and the providers; JSON alone on stdout, nothing on stderr", async () => {
    const result = await doctor(["--json", "--source", "synthetic:"], env);
    expect(result.stderr).toBe("");
    const checks = checksOf(result);
    for (const id of [
      "node",
      "python",
      "packages",
      "worker",
      "provider:CPUExecutionProvider",
      "source:synthetic:",
      "config",
    ]) {
      expect(checks.get(id), id).toMatchObject({ status: "ok" });
    }
    const isFailed = [...checks.values()].some(({ status }) => status === "failure");
    expect(result.code).toBe(isFailed ? 1 : 0);
    for (const check of checks.values()) {
      expect(check.advice === undefined, JSON.stringify(check)).toBe(check.status === "ok");
    }
  });

  it("looks for OpenVINO where the settings name it, and there alone", async () => {
    const nothing = { AIW_CACHE: join(folder, "nothing"), AIW_PYTHON: "" };
    const engine = async (yaml: string) => {
      const config = file("engine.yaml", yaml);
      return checksOf(await aiw(["doctor", "--json", "--config", config], nothing)).get("engine:openvino");
    };
    expect(await engine("engine: openvino\n")).toMatchObject({
      status: "warning",
      advice: "Make it: aiw init --engine openvino",
    });
    expect(await engine("engine: onnxruntime\n")).toBeUndefined();
  });

  it("goes on after a wrong aiw.yaml and masks what a bundle must not hold", async () => {
    const yaml = "fps: 12\nbogus: 1\nsource: rtsp://me:S3CR3T@127.0.0.1:9/x\n";
    const bundle = join(folder, "bundle.json");
    const args = ["doctor", "--config", file("bad.yaml", yaml), "--bundle", bundle];
    const { code, stdout } = await aiw(args, { ...env, AIW_PYTHON: "", AIW_TOKEN: "S3CR3T-token" });
    expect(code).toBe(1);
    expect(stdout).toMatch(/✖ failure {2}aiw\.yaml .*bad\.yaml:2: unknown key "bogus"/);
    expect(stdout).toMatch(/✔ ok {7}worker start/);
    expect(stdout.trimEnd().split("\n").at(-1)).toMatch(/^\d+ ok, \d+ warnings?, [1-9]\d* failures?$/);
    const text = readFileSync(bundle, "utf8");
    expect(text).not.toContain("S3CR3T");
    const written: Json = JSON.parse(text);
    expect(written).toMatchObject({
      schema: "aiw.bundle/1",
      verdict: "failure",
      environment: { AIW_TOKEN: "***" },
    });
    expect(written.config.lines).toContain("fps: 12");
    expect(written.python_packages.some((line: string) => line.startsWith("numpy=="))).toBe(true);
  });
});

describe("aiw doctor on a broken machine", () => {
  it.skipIf(process.platform === "win32")(
    "names the packages that an environment lacks, and the command that mends it",
    async () => {
      const { python } = await ensurePython({
        env: { ...process.env, AIW_PYTHON: "" },
        lockFile: LOCK_FILE,
        cacheDir: resolve(cacheDir(process.env, process.platform, homedir())),
      });
      const slot = envSlot(join(folder, "cache"), readFileSync(LOCK_FILE, "utf8"));
      mkdirSync(slot.dir, { recursive: true });
      const venv = join(slot.dir, "venv-1");
      execFileSync(realpathSync(python), ["-m", "venv", "--without-pip", venv]);
      const base = realpathSync(join(venv, "bin", "python"));
      writeFileSync(join(slot.dir, "ready.json"), JSON.stringify({ venv: "venv-1", base }));
      const result = await doctor(["--json"], { AIW_CACHE: join(folder, "cache") });
      const checks = checksOf(result);
      expect(checks.get("python")).toMatchObject({ status: "ok" });
      expect(checks.get("packages")).toMatchObject({
        status: "failure",
        detail: expect.stringContaining("numpy is missing"),
        advice: expect.stringContaining("aiw init"),
      });
      expect(checks.get("worker")).toMatchObject({ status: "failure" });
      expect(checks.get("providers")).toMatchObject({
        status: "failure",
        detail: expect.stringContaining("onnxruntime"),
      });
      expect(result.code).toBe(1);
    },
  );

  it("has no Python and no ffmpeg: says so, makes nothing, and exits 1", async () => {
    const cache = join(folder, "never-made");
    const result = await doctor(["--json"], {
      AIW_CACHE: cache,
      AIW_FFMPEG: "",
      PATH: join(folder, "no-bin"),
    });
    const checks = checksOf(result);
    expect(checks.get("python")).toMatchObject({
      status: "failure",
      advice: expect.stringContaining("Install Python"),
    });
    expect(checks.get("ffmpeg")).toMatchObject({ status: "warning" });
    expect(result).toMatchObject({ code: 1, stderr: "" });
    expect(existsSync(cache)).toBe(false);
  });

  it("has an AIW_PYTHON that is not there", async () => {
    const result = await doctor(["--json"], { AIW_PYTHON: "/nope", AIW_CACHE: folder });
    expect(checksOf(result).get("python")).toMatchObject({
      status: "failure",
      detail: "AIW_PYTHON=/nope: there is no such file",
    });
    expect(result.code).toBe(1);
  });

  it("refuses a bundle that cannot be written before it looks at anything", async () => {
    const { code, stdout, stderr } = await doctor(["--bundle", join(folder, "none", "b.json")]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^aiw: error OUTPUT_FAILED: .*b\.json.*\n$/);
  });

  it.skipIf(process.platform === "win32")(
    "ends at Ctrl-C with 130, and whatever it runs ends too",
    async () => {
      // What hangs holds a connection to the test: it says that it runs, and its closing that it has ended.
      const socketPath = join(folder, "socket");
      const server = createServer().listen(socketPath);
      const connected = new Promise<Socket>((found) => server.once("connection", found));
      const hanging = nodeScript(
        join(folder, "python"),
        `require("node:net").connect(${JSON.stringify(socketPath)}); setInterval(() => undefined, 1000);`,
      );
      const running = startAiw(["doctor", "--config", EMPTY_CONFIG], {
        AIW_PYTHON: hanging,
        AIW_CACHE: folder,
      });
      const socket = await connected;
      const closed = new Promise((done) => socket.resume().once("close", done));
      running.child.kill("SIGINT");
      expect(await running.finished).toMatchObject({ code: 130, stdout: "", stderr: "" });
      await closed;
      server.close();
    },
  );
});
