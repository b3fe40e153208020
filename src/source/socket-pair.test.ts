import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { socketPair } from "./socket-pair.js";
import { temporaryFolder } from "./testing.js";

function collecting() {
  const buffer = Buffer.alloc(1000);
  let filled = 0;
  const onread = {
    buffer: () => buffer.subarray(filled),
    callback: (bytes: number) => {
      filled += bytes;
      return true;
    },
  };
  return { onread, text: () => buffer.toString("utf8", 0, filled) };
}

describe.skipIf(process.platform === "win32")("socketPair", () => {
  it("reads a subprocess' stdout into a buffer of ours, to its end, and leaves nothing on the disk", async () => {
    const folder = temporaryFolder();
    vi.stubEnv("TMPDIR", folder);
    const { onread, text } = collecting();
    const pair = await socketPair(onread);
    vi.unstubAllEnvs();
    if (pair === null) throw new Error("no socket pair");
    expect(readdirSync(folder)).toEqual([]);

    // Our copy of the writing end is destroyed while the subprocess still waits to write.
    const script = "process.stdin.on('end', () => console.log('late words')).resume()";
    const child = spawn(process.execPath, ["-e", script], { stdio: ["pipe", pair.writer, "inherit"] });
    pair.writer.destroy();
    await once(pair.writer, "close");
    pair.reader.resume();
    child.stdin?.end();
    await once(pair.reader, "close");
    expect(text()).toBe("late words\n");
  });

  it("is null where no socket can be made", async () => {
    vi.stubEnv("TMPDIR", join(temporaryFolder(), "absent"));
    expect(await socketPair(collecting().onread)).toBeNull();
    vi.unstubAllEnvs();
  });
});
