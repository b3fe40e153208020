import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { exportModel, exportTarget } from "./export-model.js";
import { callsIn, fakePython, LOCK_TEXT, tempDir } from "./testing/fakes.js";

const GOOD =
  'echo "seen $YOLO_OFFLINE $YOLO_AUTOINSTALL"; cp "$3" "${3%.pt}.onnx"; echo "aiw-exported ${3%.pt}.onnx"';

function machine(onExport: string) {
  const dir = tempDir();
  const bin = join(dir, "bin");
  mkdirSync(bin);
  fakePython(join(bin, "python3"), { onExport });
  const [lockFile, weights] = [join(dir, "export.lock"), join(dir, "my yolo.pt")];
  writeFileSync(lockFile, LOCK_TEXT);
  writeFileSync(weights, "weights");
  const steps: string[] = [];
  const options = {
    env: { PATH: bin, AIW_PYTHON: "/nowhere" },
    lockFile,
    cacheDir: join(dir, "cache"),
    onStep: (text: string) => steps.push(text),
    signal: new AbortController().signal,
    force: false,
  };
  const scratch = () => readdirSync(join(options.cacheDir, "export"));
  return { dir, bin, weights, target: join(dir, "my yolo.onnx"), options, steps, scratch };
}

test("exports beside the weights, in an environment of its own, and leaves nothing else", async () => {
  const { bin, weights, target, options, steps, scratch } = machine(GOOD);
  expect(await exportModel(weights, options)).toBe(target);
  expect(readFileSync(target, "utf8")).toBe("weights");
  expect(callsIn(bin).some((call) => call.includes(`-r ${options.lockFile}`))).toBe(true);
  expect(steps.at(-1)).toBe("exporting my yolo.pt");
  expect(scratch()).toEqual([]);
});

test("takes an export that is there, and overwrites it only when forced", async () => {
  const { weights, target, options } = machine(GOOD);
  writeFileSync(target, "exported before");
  expect(await exportModel(weights, options)).toBe(target);
  expect(readFileSync(target, "utf8")).toBe("exported before");
  await exportModel(weights, { ...options, force: true });
  expect(readFileSync(target, "utf8")).toBe("weights");
  writeFileSync(target, "exported before");
  utimesSync(target, 1, 1);
  await expect(exportModel(weights, options)).rejects.toThrow("is there, and older than my yolo.pt; --force");
  expect(readFileSync(target, "utf8")).toBe("exported before");
});

test("takes away what an export that was killed has left, and not what another is doing", async () => {
  const { weights, options, scratch } = machine(GOOD);
  for (const name of ["run-dead", "run-alive"]) {
    mkdirSync(join(options.cacheDir, "export", name), { recursive: true });
  }
  utimesSync(join(options.cacheDir, "export", "run-dead"), 1, 1);
  await exportModel(weights, options);
  expect(scratch()).toEqual(["run-alive"]);
});

test.each([
  ["fails", "echo 'no such layer' >&2; exit 1", /cannot export my yolo.pt: no such layer/],
  ["names no file", "echo done", /cannot export my yolo.pt: done/],
  ["made no file", "echo aiw-exported /nowhere/x.onnx", /my yolo.onnx cannot be written \(ENOENT\)/],
])("EXPORT_FAILED when it %s, and nothing half made is left", async (_, onExport, message) => {
  const { weights, target, options, scratch } = machine(onExport);
  await expect(exportModel(weights, options)).rejects.toMatchObject({
    code: "EXPORT_FAILED",
    message: expect.stringMatching(message),
  });
  expect(existsSync(target)).toBe(false);
  expect(scratch()).toEqual([]);
});

test.each([
  ["a/yolo11n.pt", "a/yolo11n.onnx"],
  ["yolo.PTH", "yolo.onnx"],
  ["weights", "weights.onnx"],
])("%s becomes %s", (weights, target) => {
  expect(exportTarget(weights)).toBe(target);
});
