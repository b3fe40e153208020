import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SHAPES } from "../core/shapes.js";
import { BUILDER_VERSION, buildShape, cachedShape, isBuiltShape } from "./build-shape.js";
import { nodeScript, tempDir } from "./testing/fakes.js";

/** How a file of the builder begins. */
const HEAD = "\x08\x08\x12\x09aiw-shape\x1a\x011";
const WRITES = `const out = process.argv.find((word) => word.startsWith("--out=")).slice(6);
require("node:fs").writeFileSync(out, ${JSON.stringify(HEAD)} + process.argv.slice(2).join(" "));`;

/** Options with an interpreter that runs `body`, and a place to build into. */
function setUp(body = WRITES) {
  const folder = tempDir();
  const python = nodeScript(join(tempDir(), "python"), body);
  const cacheDir = join(folder, "cache");
  const abort = new AbortController();
  const options = {
    python,
    workerDir: "/worker",
    cacheDir,
    env: {},
    shape: "yolo11s",
    signal: abort.signal,
  } as const;
  return { folder, out: join(folder, "m.onnx"), options, abort };
}

/** Files under a folder, by their path in it. */
const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));

test("asks for what is wanted, and puts the file where it belongs", async () => {
  const { folder, out, options } = setUp();
  const size = { width: 640, height: 480 };
  await buildShape({ ...options, size, dynamic: true, seed: 7 }, out);
  const said = readFileSync(out, "latin1");
  expect(said).toContain(`-m aiw_worker.shapes yolo11s --version ${BUILDER_VERSION} `);
  expect(said).toMatch(/ --size 640x480 --seed 7 --dynamic$/);
  expect(await isBuiltShape(out)).toBe(true);
  expect(filesIn(folder)).toEqual(["m.onnx"]);
});

test.each([
  [
    "no room",
    `${WRITES}
console.error("aiw-worker: error OUTPUT_FAILED: can't write it (No space left on device)"); process.exitCode = 1;`,
    { code: "OUTPUT_FAILED", message: expect.stringContaining("No space left") },
  ],
  ["a crash in mid-file", `${WRITES}\nprocess.kill(process.pid, "SIGKILL");`, { code: "OUT_OF_MEMORY" }],
  [
    "a package that is missing",
    'console.error("aiw-worker: error ENGINE_MISSING: no onnx"); process.exitCode = 1;',
    { code: "PYTHON_UNUSABLE" },
  ],
])("%s leaves nothing, and what was there", async (_, body, error) => {
  const { folder, out, options } = setUp(body);
  await expect(buildShape(options, out)).rejects.toMatchObject(error);
  expect(filesIn(folder)).toEqual([]);
  writeFileSync(out, "before");
  await expect(buildShape(options, out)).rejects.toMatchObject(error);
  expect(readFileSync(out, "utf8")).toBe("before");
  expect(filesIn(folder)).toEqual(["m.onnx"]);
});

test("an interruption in mid-file leaves nothing", async () => {
  const { folder, out, options, abort } = setUp(`${WRITES}\nsetInterval(() => {}, 1000);`);
  const building = buildShape(options, out);
  const ended = expect(building).rejects.toMatchObject({ code: "INTERRUPTED" });
  await expect.poll(() => filesIn(folder), { timeout: 30_000 }).toEqual([`m.onnx.${process.pid}.part`]);
  abort.abort();
  await ended;
  expect(filesIn(folder)).toEqual([]);
});

test("the cache's is built once, for the builder's version", async () => {
  const { folder, options } = setUp();
  let built = 0;
  const ask = () => cachedShape(options, () => (built += 1));
  const file = await ask();
  expect(file).toBe(join(options.cacheDir, "shapes", `yolo11s-${BUILDER_VERSION}.onnx`));
  const { mtimeMs } = statSync(file);
  expect(await ask()).toBe(file);
  expect([built, statSync(file).mtimeMs]).toEqual([1, mtimeMs]);
  expect(filesIn(folder)).toEqual([file.slice(folder.length + 1)]);
});

test("what is no model of ours in the cache is built anew", async () => {
  const { options } = setUp();
  const file = await cachedShape(options, () => {});
  for (const content of ["", "\x08\x08\x12\x07pytorch\x1a\x012", HEAD.slice(0, 12)]) {
    writeFileSync(file, content, "latin1");
    expect(await isBuiltShape(file)).toBe(false);
    await cachedShape(options, () => {});
    expect(await isBuiltShape(file)).toBe(true);
  }
});

test("what killed commands have left goes with the next build", async () => {
  const { options } = setUp();
  const parts = join(options.cacheDir, "shapes", "parts");
  mkdirSync(parts, { recursive: true });
  for (const name of ["old.onnx", "new.onnx"]) writeFileSync(join(parts, name), "half");
  const twoDaysAgo = Date.now() / 1000 - 2 * 86_400;
  utimesSync(join(parts, "old.onnx"), twoDaysAgo, twoDaysAgo);
  await cachedShape(options, () => {});
  expect(readdirSync(parts)).toEqual(["new.onnx"]);
});

test("a cache that is a file", async () => {
  const { options } = setUp();
  writeFileSync(options.cacheDir, "");
  await expect(cachedShape(options, () => {})).rejects.toMatchObject({ code: "CACHE_UNUSABLE" });
});

test("no file and a folder are no shape", async () => {
  const { folder, out } = setUp();
  expect([await isBuiltShape(out), await isBuiltShape(folder), existsSync(out)]).toEqual([
    false,
    false,
    false,
  ]);
});

test("the worker builds just these shapes", () => {
  const source = readFileSync(new URL("../../worker/aiw_worker/shapes/yolo11.py", import.meta.url), "utf8");
  const built = [...source.matchAll(/^ {4}"(\w+)": Scale\(/gm)].map(([, name]) => name);
  expect(built).toEqual(SHAPES);
});
