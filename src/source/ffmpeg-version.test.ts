import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { libavformatMajor } from "./ffmpeg-version.js";
import { temporaryFolder } from "./testing.js";

function saying(text: string): string {
  const path = join(temporaryFolder(), "ffmpeg");
  writeFileSync(path, `#!/bin/sh\ncat <<'E'\n${text}\nE\n`);
  chmodSync(path, 0o755);
  return path;
}

describe.skipIf(process.platform === "win32")("libavformatMajor", () => {
  it.each([
    ["ffmpeg version 4.2.2-static\nlibavutil      56. 31.100\nlibavformat    58. 29.100 / 58. 29.100", 58],
    ["ffmpeg version n9.0.2-17-g2a571b6068\nlibavformat    63.  1.102 / 63.  1.102", 63],
    ["something else", Number.POSITIVE_INFINITY],
  ])("is that of %j", async (text, major) => {
    expect(await libavformatMajor(saying(text))).toBe(major);
  });

  it("is that of a new one where it does not run", async () => {
    expect(await libavformatMajor("/nowhere/ffmpeg")).toBe(Number.POSITIVE_INFINITY);
  });
});
