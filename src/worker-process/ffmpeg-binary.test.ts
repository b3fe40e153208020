import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findFfmpeg } from "./ffmpeg-binary.js";
import { shellScript, tempDir } from "./testing/fakes.js";

function places() {
  const dir = tempDir();
  const packaged = "env/lib/python3.11/site-packages/imageio_ffmpeg/binaries/ffmpeg-linux-x86_64-v7.0.2";
  return {
    dir,
    onPath: shellScript(join(dir, "bin", "ffmpeg"), ":"),
    given: shellScript(join(dir, "mine"), ":"),
    packaged: shellScript(join(dir, packaged), ":"),
    pythonEnvDir: join(dir, "env"),
    PATH: join(dir, "bin"),
  };
}

test("AIW_FFMPEG, then PATH, then the environment's own", async () => {
  const { given, onPath, packaged, pythonEnvDir, PATH } = places();
  expect(await findFfmpeg({ env: { PATH, AIW_FFMPEG: given }, pythonEnvDir })).toBe(given);
  expect(await findFfmpeg({ env: { PATH, AIW_FFMPEG: "ffmpeg" }, pythonEnvDir })).toBe(onPath);
  expect(await findFfmpeg({ env: { PATH }, pythonEnvDir })).toBe(onPath);
  expect(await findFfmpeg({ env: {}, pythonEnvDir })).toBe(packaged);
  expect(await findFfmpeg({ env: {}, python: join(pythonEnvDir, "bin", "python") })).toBe(packaged);
});

test("FFMPEG_MISSING names what was looked for", async () => {
  const { dir, PATH } = places();
  const plain = join(dir, "plain");
  writeFileSync(plain, "");
  for (const wrong of [plain, dir, "/nowhere/ffmpeg", "no-such-ffmpeg"]) {
    const missing = findFfmpeg({ env: { PATH, AIW_FFMPEG: wrong } });
    await expect(missing).rejects.toMatchObject({
      code: "FFMPEG_MISSING",
      message: expect.stringContaining(`AIW_FFMPEG=${wrong}`),
    });
  }
  await expect(findFfmpeg({ env: {}, pythonEnvDir: "/nowhere" })).rejects.toMatchObject({
    code: "FFMPEG_MISSING",
    message: expect.stringContaining("/nowhere"),
  });
});
