import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ensurePython } from "./python-env.js";
import { fakePython, shellScript, tempDir } from "./testing/fakes.js";

const ensure = (AIW_PYTHON: string, PATH = "") =>
  ensurePython({ env: { AIW_PYTHON, PATH }, lockFile: "/nowhere", cacheDir: "/nowhere" });

test("an interpreter with all that it needs is used as it is", async () => {
  const dir = tempDir();
  const python = fakePython(join(dir, "python"));
  expect(await ensure(python)).toEqual({ python, kind: "given" });
  expect(await ensure("python", dir)).toEqual({ python, kind: "given" });
});

test.each([
  ["missing file", (dir: string) => join(dir, "none"), /there is no such file/],
  ["missing program", () => "no-such-python", /no such program on PATH/],
  ["folder", (dir: string) => `${dir}/`, /is a folder; name its interpreter/],
  [
    "not executable",
    (dir: string) => {
      writeFileSync(join(dir, "plain"), "");
      return join(dir, "plain");
    },
    /not executable/,
  ],
  [
    "not a Python",
    (dir: string) => shellScript(join(dir, "python"), "echo segmentation fault >&2; exit 3"),
    /does not run as a Python \(segmentation fault\)/,
  ],
  [
    "not a program",
    (dir: string) => shellScript(join(dir, "python"), "exit 3"),
    /does not run as a Python \(exit code 3\)/,
  ],
  [
    "too old",
    (dir: string) => fakePython(join(dir, "python"), { version: [3, 9, 2] }),
    /Python 3.9.2.*3.10 or later/,
  ],
  [
    "without packages",
    (dir: string) => fakePython(join(dir, "python"), { missing: ["cv2", "google.protobuf"] }),
    /without the modules cv2, google.protobuf/,
  ],
])("AIW_PYTHON: %s", async (_name, make, expected) => {
  const given = make(tempDir());
  const error = await ensure(given).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "PYTHON_UNUSABLE", message: expect.stringMatching(expected) });
  expect((error as Error).message).toContain(given.replace(/\/$/, ""));
});
