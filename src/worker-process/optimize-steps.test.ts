import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type OptimizeStepOptions, OptimizeSteps } from "./optimize-steps.js";
import { isAlive, nodeScript, tempDir } from "./testing/fakes.js";

const FRAMES = { pixels: "/a b/pixels", sizes: "-sizes" };

/** Steps with an interpreter that runs `body`, in which `file` is a path of the test's own. */
function setUp(body: string, more: Partial<OptimizeStepOptions> = {}) {
  const folder = tempDir();
  const file = join(folder, "file");
  const python = nodeScript(join(folder, "python"), `const file = ${JSON.stringify(file)};\n${body}`);
  return { file, steps: new OptimizeSteps({ python, workerDir: "/worker", env: { MINE: "1" }, ...more }) };
}

/** Notes how it was called, and answers what any step may. */
const NOTES = `require("node:fs").writeFileSync(file, JSON.stringify(process.argv.slice(2)));
console.error("a word of some library");
const { PYTHONPATH, MINE } = process.env;
console.log(JSON.stringify({ why: [PYTHONPATH, MINE].join(), frames: 3, bytes: 4 }));`;

const prepare = (steps: OptimizeSteps) => steps.prepare("m.onnx", undefined, "out");

test.each<[string, (steps: OptimizeSteps) => Promise<unknown>, string[]]>([
  ["prepare", prepare, ["prepare", "--model=m.onnx", "--out=out"]],
  [
    "prepare at a size",
    (steps) => steps.prepare("-a model.onnx", "640x480", "-out"),
    ["prepare", "--model=-a model.onnx", "--size=640x480", "--out=-out"],
  ],
  [
    "calibrate",
    (steps) => steps.calibrate("-m.onnx", FRAMES, 20, "out"),
    ["calibrate", "--model=-m.onnx", "--pixels=/a b/pixels", "--sizes=-sizes", "--count=20", "--out=out"],
  ],
  [
    "quantize",
    (steps) => steps.quantize("-m.onnx", "-ranges", { operators: "conv", keptFloat: "head" }, "out"),
    ["quantize", "--model=-m.onnx", "--ranges=-ranges", "--operators=conv", "--float=head", "--out=out"],
  ],
  [
    "finish",
    (steps) => steps.finish("m.onnx", { a: 'é "b"' }, ["- first", "second"], "out"),
    [
      ...["finish", "--model=m.onnx", '--metadata={"a":"é \\"b\\""}'],
      ...["--note=- first", "--note=second", "--out=out"],
    ],
  ],
])("asks for what is wanted: %s", async (_, step, args) => {
  const plain = setUp(NOTES);
  await step(plain.steps);
  expect(JSON.parse(readFileSync(plain.file, "utf8"))).toEqual(["-m", "aiw_worker.optimize", ...args]);
  const debug = setUp(NOTES, { debug: true });
  await step(debug.steps);
  expect(JSON.parse(readFileSync(debug.file, "utf8")).at(-1)).toBe("--debug");
});

test("says why a graph is not quantised, and runs as a worker does", async () => {
  expect(await prepare(setUp(NOTES).steps)).toEqual({ why: "/worker,1" });
  const { steps } = setUp("console.log(JSON.stringify({ why: null }));");
  expect(await prepare(steps)).toEqual({ why: null });
});

test.each([
  ["MODEL_INVALID", "WORKER_REFUSED"],
  ["QUANTIZE_FAILED", "WORKER_REFUSED"],
  ["OUTPUT_FAILED", "OUTPUT_FAILED"],
  ["INTERNAL", "WORKER_START"],
  ["ENGINE_MISSING", "PYTHON_UNUSABLE"],
])("the step's own error %s", async (name, code) => {
  const { steps } = setUp(
    `console.error("noise\\naiw-worker: error ${name}: it is so\\nTraceback"); process.exitCode = 1;`,
  );
  const ranges = steps.calibrate("m.onnx", FRAMES, 1, "out");
  await expect(ranges).rejects.toMatchObject({ code, message: expect.stringContaining("it is so") });
});

test("a managed environment that lacks a package is damaged", async () => {
  const body = 'console.error("aiw-worker: error ENGINE_MISSING: no onnx"); process.exitCode = 1;';
  await expect(prepare(setUp(body, { kind: "managed" }).steps)).rejects.toMatchObject({
    code: "ENV_DAMAGED",
  });
});

test.each([
  ["the system", 'process.kill(process.pid, "SIGKILL");'],
  ["a library", `console.error("terminate called: 'std::bad_alloc'"); process.kill(process.pid, "SIGABRT");`],
])("a lack of memory, by %s", async (_, body) => {
  await expect(prepare(setUp(body).steps)).rejects.toMatchObject({
    code: "OUT_OF_MEMORY",
    message: expect.stringMatching(/^step prepare of m\.onnx: .*memory r(an|uns) out/),
  });
});

test.each([
  [
    "exit code",
    'console.error("Killed"); process.exitCode = 137;',
    /^step prepare of .*exit code 137: Killed$/,
  ],
  ["no JSON", 'console.log("hello");', /^step prepare of m\.onnx: its answer is not understood$/],
  ["nothing", "", /not understood$/],
  ["half an answer", 'process.stdout.write("{");', /not understood$/],
  ["another step's answer", "console.log(JSON.stringify({ bytes: 1 }));", /not understood$/],
])("what is no answer: %s", async (_, body, message) => {
  await expect(prepare(setUp(body).steps)).rejects.toMatchObject({
    code: "WORKER_START",
    message: expect.stringMatching(message),
  });
});

test("an interpreter that is not there", async () => {
  await expect(prepare(setUp("", { python: "/nowhere/python" }).steps)).rejects.toMatchObject({
    code: "WORKER_START",
    message: expect.stringContaining("/nowhere/python"),
  });
});

test("an abort ends the step, and starts no other", async () => {
  const abort = new AbortController();
  const { file, steps } = setUp(
    `const { renameSync, writeFileSync } = require("node:fs");
writeFileSync(file + ".part", String(process.pid));
renameSync(file + ".part", file);
// Longer than the test takes, but not for ever where it fails.
setTimeout(() => {}, 90_000);`,
    { signal: abort.signal },
  );
  const ended = expect(prepare(steps)).rejects.toMatchObject({ code: "INTERRUPTED" });
  await expect.poll(() => existsSync(file), { timeout: 30_000 }).toBe(true);
  abort.abort();
  await ended;
  const pid = readFileSync(file, "utf8");
  expect(isAlive(Number(pid))).toBe(false);
  await expect(prepare(steps)).rejects.toMatchObject({ code: "INTERRUPTED" });
  expect(readFileSync(file, "utf8")).toBe(pid);
});
