import { join } from "node:path";
import { expect, test } from "vitest";
import { modelDescription } from "../testing/model-description.js";
import { describeModel } from "./describe-model.js";
import { nodeScript, tempDir } from "./testing/fakes.js";

/** Options with an interpreter that runs `body`. */
function options(body: string, more: Partial<Parameters<typeof describeModel>[0]> = {}) {
  const python = nodeScript(join(tempDir(), "python"), body);
  return { python, workerDir: "/worker", file: "-a model.onnx", env: { MINE: "1" }, ...more };
}

const says = (value: unknown) => `console.log(${JSON.stringify(JSON.stringify(value))});`;

test("gives what the worker says, and asks with the arguments and environment of a worker", async () => {
  const expected = modelDescription({ file: "x", gflop: null, gflop_unknown: "why" });
  const body = `const said = ${JSON.stringify(expected)};
said.file = JSON.stringify(process.argv.slice(2));
said.runtime = [process.env.PYTHONPATH, process.env.MINE].join();
console.error("some warning of a library");
console.log(JSON.stringify(said));`;
  const found = await describeModel(options(body, { threads: 2 }));
  expect(JSON.parse(found.file)).toEqual([
    "-m",
    "aiw_worker.describe",
    "--threads",
    "2",
    "--",
    "-a model.onnx",
  ]);
  expect(found).toEqual({ ...expected, file: found.file, runtime: "/worker,1" });
});

test("a description of thousands of names comes whole", async () => {
  const names = Array.from({ length: 20_000 }, (_, i) => `class number ${i} ü`);
  const body = `const said = ${JSON.stringify(modelDescription())};
said.classes.names = Array.from({ length: 20000 }, (_, i) => \`class number \${i} ü\`);
console.log(JSON.stringify(said));`;
  expect((await describeModel(options(body))).classes?.names).toEqual(names);
});

test.each([
  ["MODEL_TRUNCATED", "WORKER_REFUSED", ""],
  ["SCHEMA_MISSING", "WORKER_START", "--debug"],
])("the worker's own error %s", async (name, code, advice) => {
  const body = `console.error("noise\\naiw-worker: error ${name}: it is cut off\\nTraceback"); process.exitCode = 1;`;
  await expect(describeModel(options(body))).rejects.toMatchObject({
    code,
    workerName: name,
    message: "it is cut off",
    exitCode: 1,
    detail: expect.stringContaining("Traceback"),
    advice: expect.stringContaining(advice),
  });
});

test.each([
  ["given", "PYTHON_UNUSABLE", /^AIW_PYTHON=.*: no cv2$/],
  ["managed", "ENV_DAMAGED", /^the Python environment of .* is damaged: no cv2$/],
] as const)("a package that is missing is said of the environment: %s", async (kind, code, message) => {
  const body = 'console.error("aiw-worker: error ENGINE_MISSING: no cv2"); process.exitCode = 1;';
  const expected = { code, message: expect.stringMatching(message) };
  await expect(describeModel({ ...options(body), kind })).rejects.toMatchObject(expected);
});

test.each([
  [
    "exit code",
    'console.error("No module named aiw_worker"); process.exitCode = 3;',
    "exit code 3: No module",
  ],
  ["signal", 'process.kill(process.pid, "SIGUSR2");', "SIGUSR2 ended the worker"],
  ["no JSON", 'console.log("hello");', "not understood"],
  ["nothing", "", "not understood"],
  ["another version", says({ ...modelDescription(), parameters: "many" }), "not understood"],
  ["a part", says(modelDescription()).replace("sha256", "sha512"), "not understood"],
])("what is no description: %s", async (_name, body, said) => {
  await expect(describeModel(options(body))).rejects.toMatchObject({
    code: "WORKER_START",
    message: expect.stringContaining(said),
  });
});

test("an interpreter that is not there", async () => {
  await expect(describeModel({ ...options(""), python: "/nowhere/python" })).rejects.toMatchObject({
    code: "WORKER_START",
    message: expect.stringContaining("/nowhere/python"),
  });
});

test("an abort ends it", async () => {
  const controller = new AbortController();
  const running = describeModel(options("setInterval(() => {}, 1000);", { signal: controller.signal }));
  controller.abort();
  await expect(running).rejects.toMatchObject({ code: "INTERRUPTED" });
});
