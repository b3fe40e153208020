import { expect, test } from "vitest";
import { countPinned, installProgress } from "./install-progress.js";
import { LOCK_TEXT } from "./testing/fakes.js";

const steps = (pinned: number, lines: string[]) => {
  const read = installProgress(pinned);
  return lines.map(read).filter((step) => step !== undefined);
};

test("counts the packages of a lock file", () => {
  expect(countPinned(LOCK_TEXT)).toBe(3);
});

test("pip: packages whose markers do not hold are not counted", () => {
  expect(
    steps(3, [
      "Ignoring sympy: markers 'python_full_version < \"3.11\"' don't match your environment",
      "Collecting numpy==2.4.6 (from -r requirements.lock (line 3))",
      "  Downloading numpy-2.4.6-cp311-cp311-linux.whl (16.9 MB)",
      "Collecting onnxruntime==1.32.0 (from -r requirements.lock (line 6))",
      "Installing collected packages: numpy, onnxruntime",
    ]),
  ).toEqual([
    "installing numpy 2.4.6 (1 of 2)",
    "installing onnxruntime 1.32.0 (2 of 2)",
    "unpacking 2 packages",
  ]);
});

test("uv", () => {
  expect(
    steps(3, [
      "Resolved 2 packages in 20ms",
      "Downloading onnxruntime (26.5MiB)",
      " Downloaded onnxruntime",
      " + numpy==2.4.6",
    ]),
  ).toEqual(["installing 2 packages", "downloading onnxruntime (26.5MiB)"]);
});
