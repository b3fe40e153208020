import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { callsIn, fakePython, type FakePythonOptions, tempDir } from "../worker-process/testing/fakes.js";
import type { EngineWish } from "../worker-process/variants.js";
import { Machine } from "./machine.js";

const { signal } = new AbortController();

/** Machines that share a cache folder, on a fake Python. */
function onOne(python: FakePythonOptions = {}) {
  const dir = tempDir();
  const bin = join(dir, "bin");
  mkdirSync(bin);
  fakePython(join(bin, "python3"), python);
  const progress = { isLive: false, step: () => {}, show: () => {}, note: () => {}, clear: () => {} };
  const machine = (wish: EngineWish, env: NodeJS.ProcessEnv = {}) =>
    new Machine(
      {
        env: { PATH: bin, AIW_CACHE: join(dir, "cache"), ...env },
        debug: false,
        progress,
        interrupt: signal,
        onHangUp() {},
      },
      signal,
      wish,
    );
  const locks = () => callsIn(bin).flatMap((call) => /-r \S*?(requirements\S*)$/.exec(call)?.slice(1) ?? []);
  return { machine, locks, bin };
}

it("makes the environment that the settings ask for, once", async () => {
  const { machine, locks } = onOne();
  const openvino = machine({ engine: "openvino" });
  const { dir } = await openvino.python();
  expect((await openvino.python({ repair: true })).dir).toBe(dir);
  expect(locks()).toEqual(["requirements-openvino.lock"]);
});

it("an environment with OpenVINO serves where none is asked for; not the other way round, and not CUDA's", async () => {
  const { machine, locks } = onOne();
  const { dir } = await machine({ engine: "openvino" }).python();
  expect((await machine({}).python()).dir).toBe(dir);
  expect((await machine({ engine: "onnxruntime", device: "cpu" }).python()).dir).toBe(dir);
  expect(locks()).toEqual(["requirements-openvino.lock"]);

  const other = onOne();
  const cpu = await other.machine({}).python();
  const both = other.machine({});
  expect((await both.python({ variant: "openvino" })).dir).not.toBe(cpu.dir);
  expect((await both.python()).dir).toBe(cpu.dir);
  expect(other.locks()).toEqual(["requirements.lock", "requirements-openvino.lock"]);
});

it.skipIf(process.platform === "darwin")("CUDA's environment serves for nothing else", async () => {
  const { machine, locks } = onOne();
  const { dir } = await machine({ device: "cuda" }).python();
  expect((await machine({}).python()).dir).not.toBe(dir);
  expect(locks()).toEqual(["requirements-cuda.lock", "requirements.lock"]);
});

it("one that cannot be made says what asked for it, and leaves the others be", async () => {
  const { machine } = onOne({
    onPip: `case "$*" in *openvino*) echo 'ERROR: getaddrinfo failed' >&2; exit 1 ;; esac`,
  });
  const without = machine({});
  await expect(without.python({ variant: "openvino" })).rejects.toMatchObject({
    code: "ENV_OFFLINE",
    message: expect.stringMatching(/^--engine openvino needs an environment of its own: /),
    advice: expect.stringContaining("requirements-openvino.lock"),
  });
  expect((await without.python()).kind).toBe("managed");
});

it("AIW_PYTHON is taken whatever is asked for, and nothing is made", async () => {
  const { machine, bin, locks } = onOne();
  const given = { AIW_PYTHON: join(bin, "python3") };
  for (const wish of [{ engine: "openvino" }, { device: "cuda" }, {}]) {
    expect(await machine(wish, given).python()).toEqual({ python: given.AIW_PYTHON, kind: "given" });
  }
  expect(locks()).toEqual([]);
});
