import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { shapeFile } from "../worker-process/build-shape.js";
import { adviceOn, locateShape } from "./model.js";

const cache = mkdtempSync(join(tmpdir(), "aiw-doctor-shape-"));
afterAll(() => rmSync(cache, { recursive: true, force: true }));

it("a shape is loaded once it is built, and builds nothing before", async () => {
  const before = await locateShape("shape:yolo11s", cache, undefined);
  expect(before).toMatchObject({ check: { id: "model", status: "ok" } });
  expect(before.check?.detail).toContain("not built yet");
  const file = shapeFile(cache, "yolo11s");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "\x08\x08\x12\x09aiw-shape");
  expect(await locateShape("shape:yolo11s", cache, undefined)).toEqual({ path: file });
});

it.each([
  ["that a worker elsewhere cannot see", "shape:yolo11s", "gpu-box", "aiw models build shape:yolo11s"],
  ["that nobody knows", "shape:yolo3", undefined, "shape:yolo11x"],
])("a shape %s is a failure with the way out", async (_, model, host, advice) => {
  const { check, path } = await locateShape(model, cache, host);
  expect([check?.status, path]).toEqual(["failure", undefined]);
  expect(JSON.stringify(check)).toContain(advice);
});

it("what was never verified has an advice that does something", () => {
  const said = "detections not verified against yolo11s.onnx: the source has no second frame";
  expect(adviceOn(said)).toContain("aiw init --optimize --calibrate SOURCE");
  expect(adviceOn("shape only: random weights")).not.toContain("--optimize");
});
