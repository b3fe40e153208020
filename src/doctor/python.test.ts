import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { envSlot } from "../worker-process/env-store.js";
import { fakePython, LOCK_TEXT, nodeScript, shellScript, tempDir } from "../worker-process/testing/fakes.js";
import { checkPackages } from "./packages.js";
import { checkPython, type Interpreter } from "./python.js";
import { startCheckedWorker } from "./worker-start.js";

const { signal } = new AbortController();

/** A machine with nothing but a lock file. */
function machine() {
  const dir = tempDir();
  const lockFile = join(dir, "requirements.lock");
  writeFileSync(lockFile, LOCK_TEXT);
  return {
    dir,
    bin: join(dir, "bin"),
    lockFile,
    cacheDir: join(dir, "cache"),
    workerDir: join(dir, "worker"),
  };
}

/** Makes the managed environment's folder as aiw leaves it, on an interpreter. */
function makeEnv({ cacheDir, lockFile }: ReturnType<typeof machine>, python: string): string {
  const slot = envSlot(cacheDir, readFileSync(lockFile, "utf8"));
  const venv = join(slot.dir, "venv-1");
  mkdirSync(join(venv, "bin"), { recursive: true });
  symlinkSync(python, join(venv, "bin", "python"));
  writeFileSync(join(slot.dir, "ready.json"), JSON.stringify({ venv: "venv-1", base: python }));
  return venv;
}

const look = (on: ReturnType<typeof machine>, env: Record<string, string>) =>
  checkPython({ env, lockFile: on.lockFile, cacheDir: on.cacheDir, signal });

describe("Python", () => {
  it("is the managed environment's", async () => {
    const on = machine();
    const dir = makeEnv(on, fakePython(join(on.bin, "python3")));
    const { check, interpreter } = await look(on, { PATH: "" });
    expect(check).toMatchObject({ status: "ok", detail: `3.11.7 of the environment ${dir}` });
    expect(interpreter).toEqual({
      python: join(dir, "bin", "python"),
      dir,
      kind: "managed",
      lockFile: on.lockFile,
    });
  });

  it("is that of a larger environment, whose own lock its packages are held against", async () => {
    const on = machine();
    const larger = { ...on, lockFile: join(on.dir, "requirements-openvino.lock") };
    writeFileSync(larger.lockFile, `${LOCK_TEXT}openvino==2026.4.1\n`);
    makeEnv(
      larger,
      nodeScript(
        join(on.bin, "python"),
        `require("node:fs").writeFileSync(${JSON.stringify(join(on.dir, "args"))}, process.argv.slice(2).join(" "));
console.log(process.argv[2] === "-c" ? 'aiw-probe {"executable":"x","version":[3,11,7],"implementation":"cpython","bits":64,"venv":true,"missing":[]}' : '{"packages":[],"installed":[]}');`,
      ),
    );
    const options = { ...on, env: { PATH: "" }, servedBy: [larger.lockFile], signal };
    const { interpreter } = await checkPython(options);
    expect(interpreter?.lockFile).toBe(larger.lockFile);
    await checkPackages({ ...options, interpreter, canBeMade: true });
    expect(readFileSync(join(on.dir, "args"), "utf8")).toBe(`-m aiw_worker.installed ${larger.lockFile}`);
  });

  it("fails where that does not run, with the command that makes it anew", async () => {
    const on = machine();
    makeEnv(on, shellScript(join(on.bin, "python3"), "echo libpython is gone >&2; exit 127"));
    const { check, interpreter } = await look(on, { PATH: "" });
    expect(check).toMatchObject({ status: "failure", detail: expect.stringContaining("libpython is gone") });
    expect(check.advice).toContain("aiw init");
    expect(interpreter).toBeUndefined();
  });

  it("is what could make an environment, where none is made; nothing is made", async () => {
    const on = machine();
    const python = fakePython(join(on.bin, "python3"));
    const { check, interpreter } = await look(on, { PATH: on.bin });
    expect(check).toMatchObject({ status: "ok", detail: expect.stringContaining(python) });
    expect(interpreter).toBeUndefined();
    const uv = shellScript(join(on.bin, "uv"), "echo uv 0.9");
    expect((await look(on, { PATH: on.bin })).check).toMatchObject({
      status: "ok",
      detail: expect.stringContaining(uv),
    });
    expect(() => readFileSync(join(on.bin, "calls"))).toThrow("ENOENT");
  });

  it("fails where there is none, only an old one, or one without venv", async () => {
    const on = machine();
    expect((await look(on, { PATH: on.bin })).check).toMatchObject({
      status: "failure",
      detail: expect.stringContaining("none was found"),
      advice: expect.stringContaining("Install Python 3.10"),
    });
    fakePython(join(on.bin, "python3"), { version: [3, 8, 1] });
    expect((await look(on, { PATH: on.bin })).check).toMatchObject({
      status: "failure",
      detail: expect.stringContaining("3.8.1"),
    });
    fakePython(join(on.bin, "python3"), { venv: false });
    expect((await look(on, { PATH: on.bin })).check).toMatchObject({
      status: "failure",
      detail: expect.stringContaining("cannot make virtual environments"),
    });
  });

  it("is what AIW_PYTHON names, or fails by its name", async () => {
    const on = machine();
    const python = fakePython(join(on.dir, "mine"));
    expect(await look(on, { AIW_PYTHON: python })).toMatchObject({
      check: { status: "ok", detail: `3.11.7, AIW_PYTHON=${python}` },
      interpreter: { python, kind: "given" },
    });
    for (const [given, said] of [
      ["/nope", "AIW_PYTHON=/nope: there is no such file"],
      [fakePython(join(on.dir, "old"), { version: [3, 9, 0] }), "3.9.0"],
      [fakePython(join(on.dir, "bare"), { missing: ["cv2"] }), "cv2"],
    ] as const) {
      const { check, interpreter } = await look(on, { AIW_PYTHON: given });
      expect(check).toMatchObject({ status: "failure", detail: expect.stringContaining(said) });
      expect(interpreter).toBeUndefined();
    }
  });

  it("cannot be asked for where aiw itself is damaged", async () => {
    const on = machine();
    rmSync(on.lockFile);
    await expect(look(on, { PATH: "" })).rejects.toMatchObject({ code: "ENV_FAILED" });
  });
});

describe("Python packages", () => {
  /** An interpreter that answers as aiw_worker.installed does. */
  function answering(answer: unknown, kind: Interpreter["kind"] = "managed") {
    const on = machine();
    const text = JSON.stringify(typeof answer === "string" ? answer : JSON.stringify(answer));
    const python = nodeScript(
      join(on.bin, "python"),
      `require("node:fs").writeFileSync(__dirname + "/args", process.argv.slice(2).join(" "));
console.log(${text});`,
    );
    const dir = join(on.dir, "slot", "venv-1");
    const interpreter: Interpreter = kind === "managed" ? { python, kind, dir } : { python, kind };
    const options = { ...on, interpreter, canBeMade: true, env: {}, signal };
    return { on, options };
  }

  const package_ = (name: string, found: string | null, damage: string | null = null) => ({
    name,
    wanted: "1.0",
    found,
    damage,
  });

  it("are as in the lock", async () => {
    const { on, options } = answering({ packages: [package_("numpy", "1.0")], installed: ["numpy==1.0"] });
    expect(await checkPackages(options)).toEqual({
      check: { id: "packages", title: "Python packages", status: "ok", detail: "1 package as in the lock" },
      installed: ["numpy==1.0"],
    });
    expect(readFileSync(join(on.bin, "args"), "utf8")).toBe(`-m aiw_worker.installed ${on.lockFile}`);
  });

  it.each([
    ["missing", [package_("numpy", null)], "numpy is missing"],
    ["damaged", [package_("numpy", "1.0", "x.so was altered")], "numpy 1.0 is damaged: x.so was altered"],
    ["another version", [package_("numpy", "2.0")], "not as in the lock: numpy 2.0, not 1.0"],
  ])("fail where one of the managed environment's is %s", async (_, packages, detail) => {
    const { options } = answering({ packages, installed: [] });
    const { check } = await checkPackages(options);
    expect(check).toMatchObject({ status: "failure", detail });
    expect(check.advice).toContain("aiw init");
  });

  it("of AIW_PYTHON may be others, with a warning, but not damaged", async () => {
    const other = answering(
      { packages: [package_("numpy", "2.0"), package_("cv", null)], installed: [] },
      "given",
    );
    const { check } = await checkPackages(other.options);
    expect(check).toMatchObject({
      status: "warning",
      detail: "not as in the lock: numpy 2.0, not 1.0; no cv 1.0",
    });
    expect(check.advice).toContain(`'${other.options.interpreter.python}' -m pip install`);
    const damaged = answering({ packages: [package_("numpy", "1.0", "gone")], installed: [] }, "given");
    expect((await checkPackages(damaged.options)).check.status).toBe("failure");
  });

  it("name some of many, and count the rest", async () => {
    const packages = ["a", "b", "c", "d", "e", "f"].map((name) => package_(name, null));
    const { check } = await checkPackages(answering({ packages, installed: [] }).options);
    expect(check.detail).toBe("a is missing; b is missing; c is missing; d is missing; and 2 more");
  });

  it("fail where the interpreter gives no answer", async () => {
    const { check } = await checkPackages(answering("Segmentation fault").options);
    expect(check).toMatchObject({ status: "failure", detail: expect.stringContaining("Segmentation fault") });
  });

  it("are a warning where nothing is made yet, with how many come", async () => {
    const { options } = answering({});
    expect(await checkPackages({ ...options, interpreter: undefined })).toMatchObject({
      check: {
        status: "warning",
        detail: expect.stringContaining("of up to 3 packages"),
        advice: expect.stringContaining("aiw init"),
      },
      installed: [],
    });
    expect(
      (await checkPackages({ ...options, interpreter: undefined, canBeMade: false })).check,
    ).toMatchObject({
      status: "warning",
      detail: "not looked at: there is no Python to ask",
    });
  });
});

describe("worker start", () => {
  const start = (body: string) => {
    const on = machine();
    const python = nodeScript(join(on.bin, "python"), body);
    return startCheckedWorker({
      ...on,
      interpreter: { python, kind: "given" },
      env: {},
      modelDir: "/models",
      threads: 2,
      engine: undefined,
      signal,
    });
  };

  it("is ok once it listens; its arguments are those of a run", async () => {
    const { check, worker, log } = await start(
      `console.error(process.argv.slice(2).join(" "));
console.log("aiw worker listening on 127.0.0.1:4321");
process.stdin.on("end", () => process.exit(0)).resume();`,
    );
    expect(check.status).toBe("ok");
    expect(worker?.port).toBe(4321);
    await worker?.stop();
    expect(log.join()).toContain("--model-dir /models --threads 2");
  });

  it("fails with the worker's own words, and keeps what it said", async () => {
    const { check, worker, log } = await start(
      'console.error("loading\\naiw-worker: error ENGINE_MISSING: a package is missing: cv2"); process.exitCode = 1;',
    );
    expect(check).toMatchObject({ status: "failure", detail: "a package is missing: cv2" });
    expect(worker).toBeUndefined();
    expect(log).toContain("loading");
  });

  it("is a warning where there is no Python", async () => {
    const { check } = await startCheckedWorker({ ...machine(), interpreter: undefined, env: {}, signal });
    expect(check).toMatchObject({ status: "warning", advice: expect.any(String) });
  });
});
