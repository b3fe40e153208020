import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { isAlive, nodeScript, tempDir } from "./testing/fakes.js";
import type { Trial } from "../core/trial.js";
import { openTrial, type TrialOptions } from "./trial.js";

const READY = { load_ms: 12.5, width: 640, height: 480, provider: "CPU", version: "1", rss_bytes: 5 };
/** Says that it is ready, and its process number where threads stand. */
const SAYS_READY = `console.log(JSON.stringify({ ...${JSON.stringify(READY)}, threads: process.pid }));`;
/** Longer than any test takes, but not for ever where a test fails. */
const STAYS = "setTimeout(() => {}, 90_000);";

/** A body that runs `answer` with every `line` that is asked. */
const answering = (answer: string) =>
  `${SAYS_READY}\nrequire("node:readline").createInterface({ input: process.stdin }).on("line", (line) => { ${answer} });`;

/** Options with an interpreter that runs `body`. */
function options(body: string, more: Partial<TrialOptions> = {}): TrialOptions {
  const python = nodeScript(join(tempDir(), "python"), body);
  const frames = { pixels: "/a b/pixels", sizes: "-sizes" };
  return { python, workerDir: "/worker", env: {}, model: "m.onnx", engine: "onnxruntime", frames, ...more };
}

/** Runs `body`, and what the test does with the trial; its process is gone afterwards in any case. */
async function withTrial(
  body: string,
  use: (trial: Trial, abort: AbortController) => Promise<void>,
  more: Partial<TrialOptions> = {},
): Promise<void> {
  const abort = new AbortController();
  const trial = await openTrial(options(body, { signal: abort.signal, ...more }));
  try {
    await use(trial, abort);
  } finally {
    await trial.close();
  }
  expect(isAlive(trial.facts.threads)).toBe(false);
}

const pidIn = (file: string) => Number(readFileSync(file, "utf8"));

test("says what it loaded", () =>
  withTrial(answering(""), async ({ facts }) => {
    expect(facts).toEqual({
      ...{ loadMs: 12.5, rssBytes: 5, width: 640, height: 480, provider: "CPU", version: "1" },
      threads: expect.any(Number),
    });
  }));

test("is asked for with a worker's environment, and paths that may look like flags", async () => {
  const body = `process.stdin.resume();
const version = JSON.stringify([process.argv.slice(2), process.env.PYTHONPATH, process.env.MINE]);
console.log(JSON.stringify({ ...${JSON.stringify(READY)}, version, threads: process.pid }));`;
  const asked = async (more: Partial<TrialOptions>) => {
    const trial = await openTrial(options(body, { model: "-a model.onnx", env: { MINE: "1" }, ...more }));
    await trial.close();
    return JSON.parse(trial.facts.version) as unknown;
  };
  const always = [
    ...["-m", "aiw_worker.optimize", "trial", "--model=-a model.onnx", "--engine=onnxruntime"],
    ...["--pixels=/a b/pixels", "--sizes=-sizes"],
  ];
  expect(await asked({})).toEqual([always, "/worker", "1"]);
  expect(await asked({ threads: 2, conf: 0.25, iou: 0.5, debug: true })).toEqual([
    [...always, "--threads=2", "--conf=0.25", "--iou=0.5", "--debug"],
    "/worker",
    "1",
  ]);
});

test("answers come to the questions that were asked", () =>
  withTrial(
    answering(`const { time, detect } = JSON.parse(line);
const inference_us = Array.from({ length: time ?? detect[1] - detect[0] }, (_, i) => 100 + i);
const detections = detect && inference_us.map((_, i) => [[0, 0.5, detect[0] + i, 2, 3, 4.5]]);
console.error("a word of some library");
console.log(JSON.stringify({ inference_us, detections }));`),
    async (trial) => {
      expect(await trial.time(3)).toEqual([100, 101, 102]);
      expect(await trial.detect(4, 6)).toEqual([[[0, 0.5, 4, 2, 3, 4.5]], [[0, 0.5, 5, 2, 3, 4.5]]]);
      expect(await trial.time(1)).toEqual([100]);
    },
  ));

test("a long answer comes whole", () =>
  withTrial(
    answering(`console.log(JSON.stringify({ inference_us: new Array(300_000).fill(123456) }));`),
    async (trial) => {
      expect(await trial.time(1)).toHaveLength(300_000);
    },
  ));

const SAYS_WHY = 'console.error("noise\\naiw-worker: error MODEL_INVALID: no such operator\\nTraceback");';
const REFUSED = {
  code: "WORKER_REFUSED",
  workerName: "MODEL_INVALID",
  message: "no such operator",
  detail: expect.stringContaining("Traceback"),
};

test.each([
  ["before it is ready", ""],
  ["while it says that it is", 'process.stdout.write("{\\"load_ms\\"");'],
])("its own error becomes ours: %s", async (_, first) => {
  await expect(openTrial(options(`${first} ${SAYS_WHY} process.exitCode = 1;`))).rejects.toMatchObject(
    REFUSED,
  );
});

test.each([
  ["before an answer", ""],
  ["in mid-answer", 'process.stdout.write("{\\"inference_us\\":[1");'],
])("its own error becomes ours: %s", (_, first) =>
  withTrial(
    answering(`${first} ${SAYS_WHY} process.exitCode = 1; process.stdin.destroy();`),
    async (trial) => {
      await expect(trial.time(1)).rejects.toMatchObject(REFUSED);
    },
  ),
);

test("what killed it may be a lack of memory", () =>
  withTrial(
    answering('process.stdout.write("{", () => process.kill(process.pid, "SIGKILL"));'),
    async (trial) => {
      await expect(trial.time(1)).rejects.toMatchObject({
        code: "OUT_OF_MEMORY",
        message: "trying m.onnx with onnxruntime: it was killed, as where memory runs out",
      });
    },
  ));

test("an end without a word", async () => {
  await expect(openTrial(options("process.exitCode = 3;"))).rejects.toMatchObject({
    code: "WORKER_START",
    message: "trying m.onnx with onnxruntime: exit code 3",
  });
});

test.each([
  ["no JSON", "hello"],
  ["no object", "[1]"],
  ["other numbers", '{"inference_us":["fast"]}'],
])("an answer that is none: %s", (_, said) =>
  withTrial(answering(`console.error("why"); console.log(${JSON.stringify(said)});`), async (trial) => {
    await expect(trial.time(1)).rejects.toMatchObject({
      code: "WORKER_START",
      message: "trying m.onnx with onnxruntime: its answer is not understood",
    });
  }),
);

test("a greeting that is none ends its process", async () => {
  const file = join(tempDir(), "pid");
  const body = `require("node:fs").writeFileSync(${JSON.stringify(file)}, String(process.pid));
console.log(JSON.stringify({ load_ms: "soon" })); ${STAYS}`;
  await expect(openTrial(options(body))).rejects.toMatchObject({
    code: "WORKER_START",
    message: expect.stringContaining("not understood"),
  });
  expect(isAlive(pidIn(file))).toBe(false);
});

test("an interpreter that is not there", async () => {
  await expect(openTrial({ ...options(""), python: "/nowhere/python" })).rejects.toMatchObject({
    code: "WORKER_START",
    message: expect.stringContaining("/nowhere/python"),
  });
});

test.each([
  ["given", "onnxruntime", "PYTHON_UNUSABLE"],
  ["given", "openvino", "ENGINE_MISSING"],
  ["managed", "openvino", "ENV_DAMAGED"],
] as const)("a package that is missing is said of the environment: %s, %s", async (kind, engine, code) => {
  const body = 'console.error("aiw-worker: error ENGINE_MISSING: no such package"); process.exitCode = 1;';
  await expect(openTrial(options(body, { kind, engine }))).rejects.toMatchObject({ code });
});

test("an abort before the start starts nothing", async () => {
  const file = join(tempDir(), "pid");
  const body = `require("node:fs").writeFileSync(${JSON.stringify(file)}, "")`;
  await expect(openTrial(options(body, { signal: AbortSignal.abort() }))).rejects.toMatchObject({
    code: "INTERRUPTED",
  });
  expect(existsSync(file)).toBe(false);
});

test("an abort while it loads ends it with all that it started", async () => {
  const file = join(tempDir(), "pid");
  // A child that holds its streams: they close only when both are gone.
  const body = `const { renameSync, writeFileSync } = require("node:fs");
process.on("SIGTERM", () => {});
require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(STAYS)}], { stdio: "inherit" });
writeFileSync(${JSON.stringify(`${file}.part`)}, String(process.pid));
renameSync(${JSON.stringify(`${file}.part`)}, ${JSON.stringify(file)});
${STAYS}`;
  const abort = new AbortController();
  const opening = openTrial(options(body, { signal: abort.signal }));
  const ended = expect(opening).rejects.toMatchObject({ code: "INTERRUPTED" });
  await expect.poll(() => existsSync(file), { timeout: 30_000 }).toBe(true);
  abort.abort();
  await ended;
  expect(isAlive(pidIn(file))).toBe(false);
});

test("an abort in mid-answer", () =>
  withTrial(answering(""), async (trial, abort) => {
    const asked = expect(trial.time(1)).rejects.toMatchObject({ code: "INTERRUPTED" });
    abort.abort();
    await asked;
  }));

test("closing ends a process that heeds nothing, as often as one likes", () =>
  withTrial(`${SAYS_READY} process.on("SIGTERM", () => {}); ${STAYS}`, async (trial) => {
    await Promise.all([trial.close(), trial.close()]);
    expect(isAlive(trial.facts.threads)).toBe(false);
    await trial.close();
    await expect(trial.time(1)).rejects.toMatchObject({ code: "WORKER_START" });
  }));

test("an abort after the close ends nothing else", () =>
  withTrial(answering(""), async (trial, abort) => {
    await trial.close();
    const killed: number[] = [];
    const kill = vi.spyOn(process, "kill").mockImplementation((pid) => {
      killed.push(pid);
      return true;
    });
    abort.abort();
    kill.mockRestore();
    expect(killed).toEqual([]);
  }));
