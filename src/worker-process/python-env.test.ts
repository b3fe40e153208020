import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { envSlot } from "./env-store.js";
import { ensurePython, findManagedEnv } from "./python-env.js";
import { callsIn, fakePython, isAlive, LOCK_TEXT, shellScript, tempDir } from "./testing/fakes.js";

/** A machine with an empty PATH, a lock file and a place for a cache. */
function machine() {
  const dir = tempDir();
  const bin = join(dir, "bin");
  mkdirSync(bin);
  const lockFile = join(dir, "requirements.lock");
  writeFileSync(lockFile, LOCK_TEXT);
  const cacheDir = join(dir, "cache");
  const steps: string[] = [];
  const options = { env: { PATH: bin }, lockFile, cacheDir, onStep: (text: string) => steps.push(text) };
  return { dir, bin, cacheDir, slot: envSlot(cacheDir, LOCK_TEXT), steps, options };
}

const python3 = (bin: string) => join(bin, "python3");
const venvCalls = (bin: string) => callsIn(bin).filter((call) => call.startsWith("-m venv"));

test("the environment is made once, with pip, and told step by step", async () => {
  const { bin, slot, steps, options } = machine();
  fakePython(python3(bin));
  expect(findManagedEnv(options)).toBeUndefined();
  const made = await ensurePython(options);
  expect(made).toEqual({
    kind: "managed",
    python: join(made.dir!, "bin", "python"),
    dir: expect.stringContaining(slot.dir),
  });
  expect(existsSync(made.python)).toBe(true);
  expect(steps).toEqual([
    `creating the Python environment with ${python3(bin)} and pip`,
    "installing numpy 2.4.6 (1 of 2)",
    "installing onnxruntime 1.32.0 (2 of 2)",
    "unpacking 2 packages",
  ]);
  const calls = callsIn(bin);
  expect(calls).toHaveLength(2);
  expect(calls[1]).toContain(`--no-deps --require-hashes --only-binary :all: -r ${options.lockFile}`);

  steps.length = 0;
  expect(await ensurePython(options)).toEqual(made);
  expect(findManagedEnv(options)).toMatchObject({ python: made.python });
  expect(callsIn(bin)).toEqual(calls);
  expect(steps).toEqual([]);
});

const packages = (...of: readonly object[]) => JSON.stringify({ packages: of, installed: [] });

test.each([
  ["missing", packages({ name: "cv2", wanted: "5", found: null, damage: null }), "cv2 is missing"],
  ["another", packages({ name: "cv2", wanted: "5", found: "4", damage: null }), "cv2 4, not 5"],
  [
    "altered",
    packages({ name: "cv2", wanted: "5", found: "5", damage: "a.so was altered" }),
    "cv2: a.so was altered",
  ],
])(
  "an environment with a package %s is found out and made anew, only where that is asked for",
  async (_, damage, said) => {
    const { bin, dir, steps, options } = machine();
    fakePython(python3(bin), { onPip: `rm -f ${join(bin, "damage")}` });
    const first = await ensurePython(options);
    const repairing = { ...options, repairWith: dir };
    expect(await ensurePython(repairing)).toEqual(first);

    writeFileSync(join(bin, "damage"), damage);
    expect(await ensurePython(options)).toEqual(first);
    steps.length = 0;
    const second = await ensurePython(repairing);
    expect(second.dir).not.toBe(first.dir);
    expect(existsSync(first.python)).toBe(false);
    expect(steps.slice(0, 2)).toEqual([
      "checking the Python environment",
      `the Python environment is damaged (${said}): making it anew`,
    ]);
    expect(venvCalls(bin)).toHaveLength(2);
    expect(await ensurePython(repairing)).toEqual(second);
  },
);

test("an environment that runs and cannot say how it is, is kept", async () => {
  const { bin, dir, options } = machine();
  fakePython(python3(bin));
  const first = await ensurePython(options);
  writeFileSync(join(bin, "damage"), "Segmentation fault");
  expect(await ensurePython({ ...options, repairWith: dir })).toEqual(first);
});

test("a damaged environment stays where no other can be made", async () => {
  const { bin, dir, options } = machine();
  fakePython(python3(bin));
  const first = await ensurePython(options);
  writeFileSync(join(bin, "damage"), packages({ name: "cv2", wanted: "5", found: null, damage: null }));
  fakePython(python3(bin), { onPip: "exit 1" });
  const repaired = ensurePython({ ...options, repairWith: dir });
  await expect(repaired).rejects.toMatchObject({ code: "ENV_FAILED" });
  expect(await ensurePython(options)).toEqual(first);
});

test("another lock file has another environment, and leaves the first alone", async () => {
  const { bin, dir, options } = machine();
  fakePython(python3(bin));
  const first = await ensurePython(options);
  const lockFile = join(dir, "other.lock");
  writeFileSync(lockFile, "numpy==1\n");
  const second = await ensurePython({ ...options, lockFile });
  expect(second.dir).not.toBe(first.dir);
  expect(await ensurePython(options)).toEqual(first);
});

test("uv is preferred where it works", async () => {
  const { bin, slot, steps, options } = machine();
  fakePython(python3(bin));
  shellScript(
    join(bin, "uv"),
    `echo uv "$@" >> ${bin}/calls
case "$1" in
venv) for dir; do :; done; mkdir -p "$dir/bin"; ln -s ${python3(bin)} "$dir/bin/python"; echo > "$dir/pyvenv.cfg" ;;
pip) echo "Resolved 2 packages in 1ms" >&2; echo "Downloading onnxruntime (26.5MiB)" >&2 ;;
esac`,
  );
  const { dir } = await ensurePython(options);
  expect(dir?.startsWith(slot.dir)).toBe(true);
  expect(callsIn(bin)).toEqual([
    "uv --version",
    expect.stringMatching(/^uv venv --no-project --python >=3\.10,<3\.1[45] .*venv-/),
    `uv pip install --python ${dir}/bin/python --no-deps --require-hashes --only-binary :all: -r ${options.lockFile}`,
  ]);
  expect(steps).toEqual([
    "creating the Python environment with uv",
    "installing 2 packages",
    "downloading onnxruntime (26.5MiB)",
  ]);
});

test("a uv that does not run counts as none; one that finds no Python says so", async () => {
  const { bin, options } = machine();
  fakePython(python3(bin));
  shellScript(join(bin, "uv"), "echo 'no uv behind this shim' >&2; exit 127");
  expect((await ensurePython(options)).kind).toBe("managed");

  const other = machine();
  shellScript(
    join(other.bin, "uv"),
    '[ "$1" = --version ] || { echo "error: No interpreter found for Python >=3.10" >&2; exit 2; }',
  );
  await expect(ensurePython(other.options)).rejects.toMatchObject({
    code: "PYTHON_MISSING",
    message: expect.stringContaining("No interpreter found"),
  });
});

test("no Python, and only unfit ones", async () => {
  const { bin, cacheDir, options } = machine();
  await expect(ensurePython(options)).rejects.toMatchObject({
    code: "PYTHON_MISSING",
    message: expect.stringMatching(/none was found; looked on PATH for uv, python3, .*python3\.10, python$/),
  });
  fakePython(python3(bin), { version: [3, 8, 1] });
  fakePython(join(bin, "python"), { implementation: "pypy" });
  shellScript(join(bin, "python3.12"), "echo 'no such version behind this shim' >&2; exit 127");
  await expect(ensurePython(options)).rejects.toMatchObject({
    code: "PYTHON_MISSING",
    message: expect.stringMatching(/only 3\.8\.1 \(.*python3\), pypy 3\.11\.7 \(.*python\) was found/),
  });
  expect(findManagedEnv({ ...options, cacheDir })).toBeUndefined();
});

test("a Python without venv is passed over for one with it, else VENV_MISSING names the package", async () => {
  const { bin, options } = machine();
  fakePython(python3(bin), { venv: false, version: [3, 12, 1] });
  const lacking = ensurePython(options);
  await expect(lacking).rejects.toMatchObject({
    code: "VENV_MISSING",
    message: expect.stringContaining(`Python 3.12.1 (${python3(bin)})`),
  });
  fakePython(join(bin, "python3.11"));
  await ensurePython(options);
  expect(venvCalls(bin)).toHaveLength(1);
});

test("a venv that turns out to lack ensurepip is VENV_MISSING", async () => {
  const { bin, options } = machine();
  fakePython(python3(bin), {
    onVenv: "echo 'The virtual environment was not created: ensurepip is not available.'; exit 1",
  });
  await expect(ensurePython(options)).rejects.toMatchObject({ code: "VENV_MISSING" });
});

test("a Python later than the lock knows is taken only for want of another", async () => {
  const { bin, options, steps } = machine();
  fakePython(python3(bin), { version: [3, 99, 0] });
  fakePython(join(bin, "python3.11"));
  await ensurePython(options);
  expect(steps[0]).toContain("python3.11");
  const other = machine();
  fakePython(python3(other.bin), { version: [3, 99, 0] });
  expect((await ensurePython(other.options)).kind).toBe("managed");
});

test("a failing installer leaves nothing that counts as made", async () => {
  const { bin, slot, options } = machine();
  fakePython(python3(bin), { onPip: "echo 'ERROR: [Errno 28] No space left on device' >&2; exit 1" });
  await expect(ensurePython(options)).rejects.toMatchObject({
    code: "ENV_FAILED",
    message: expect.stringMatching(/with pip failed: the disk is full/),
    detail: expect.stringContaining("Errno 28"),
  });
  expect(readdirSync(slot.dir)).toEqual([]);
  expect(findManagedEnv(options)).toBeUndefined();
  fakePython(python3(bin));
  expect((await ensurePython(options)).kind).toBe("managed");
});

test("half made, dangling, and relinked environments are made again from scratch", async () => {
  const { bin, slot, options } = machine();
  fakePython(python3(bin));
  mkdirSync(join(slot.dir, "venv-half", "bin"), { recursive: true });
  const first = await ensurePython(options);
  expect(existsSync(join(slot.dir, "venv-half"))).toBe(false);

  rmSync(first.python);
  const second = await ensurePython(options);
  expect(second.dir).not.toBe(first.dir);
  expect(existsSync(first.dir!)).toBe(false);

  writeFileSync(join(slot.dir, "ready.json"), "{ half a marker");
  const third = await ensurePython(options);
  expect(third.dir).not.toBe(second.dir);

  const marker = JSON.parse(readFileSync(join(slot.dir, "ready.json"), "utf8")) as { base: string };
  writeFileSync(join(slot.dir, "ready.json"), JSON.stringify({ ...marker, base: "/usr/bin/python3.9" }));
  expect((await ensurePython(options)).dir).not.toBe(third.dir);
  expect(venvCalls(bin)).toHaveLength(4);
});

test("an abort ends the installer and leaves nothing that counts as made", async () => {
  const { bin, dir, slot, options } = machine();
  const pidFile = join(dir, "pid");
  fakePython(python3(bin), { onPip: `echo $$ > ${pidFile}; echo 'Collecting numpy==2.4.6'; exec sleep 600` });
  const controller = new AbortController();
  const onStep = (text: string) => text.startsWith("installing") && controller.abort();
  await expect(ensurePython({ ...options, onStep, signal: controller.signal })).rejects.toMatchObject({
    code: "INTERRUPTED",
  });
  expect(isAlive(Number(readFileSync(pidFile, "utf8")))).toBe(false);
  expect(readdirSync(slot.dir)).toEqual([]);
  expect(existsSync(slot.lockPath)).toBe(false);
  expect(findManagedEnv(options)).toBeUndefined();
});

test("a cache folder that cannot be made, and a lock file that is not there, are named", async () => {
  const { dir, options } = machine();
  writeFileSync(join(dir, "file"), "");
  await expect(ensurePython({ ...options, cacheDir: join(dir, "file", "cache") })).rejects.toMatchObject({
    code: "CACHE_UNUSABLE",
    message: expect.stringMatching(/cannot make the cache folder .*file\/cache.* \(ENOTDIR\)/),
  });
  if (process.platform === "linux") {
    await expect(ensurePython({ ...options, cacheDir: "/proc/nowhere" })).rejects.toMatchObject({
      code: "CACHE_UNUSABLE",
      message: expect.stringContaining("/proc/nowhere"),
    });
  }
  await expect(ensurePython({ ...options, lockFile: "/nowhere/r.lock" })).rejects.toMatchObject({
    code: "ENV_FAILED",
    message: expect.stringContaining("/nowhere/r.lock"),
  });
});

test("another lock's environment serves where it is there, and is the one that is mended", async () => {
  const { bin, dir, options } = machine();
  fakePython(python3(bin), { onPip: `rm -f ${join(bin, "damage")}` });
  const larger = join(dir, "larger.lock");
  writeFileSync(larger, `${LOCK_TEXT}openvino==2026.4.1\n`);
  const wanted = { ...options, servedBy: [larger] };
  expect(findManagedEnv(wanted)).toBeUndefined();
  const made = await ensurePython({ ...options, lockFile: larger });
  expect(await ensurePython(wanted)).toEqual(made);
  expect(findManagedEnv(wanted)).toMatchObject({ dir: made.dir, lockFile: larger });
  expect(venvCalls(bin)).toHaveLength(1);

  writeFileSync(join(bin, "damage"), packages({ name: "cv2", wanted: "5", found: null, damage: null }));
  const mended = await ensurePython({ ...wanted, repairWith: dir });
  expect(mended.dir).not.toBe(made.dir);
  expect(findManagedEnv(wanted)).toMatchObject({ dir: mended.dir, lockFile: larger });

  // Its own comes first once it is there, and does not serve for the larger one.
  const own = await ensurePython(options);
  expect(await ensurePython(wanted)).toEqual(own);
  expect(findManagedEnv({ ...options, lockFile: larger })?.dir).toBe(mended.dir);
});
