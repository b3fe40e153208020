import { execFileSync } from "node:child_process";
import { constants, openSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isFailure } from "../frame/frame.js";
import { openRawFrames } from "./raw-frames.js";
import { collect, sourceOptions, temporaryFolder } from "./testing.js";

const SMALL = { width: 4, height: 2 };
const FRAME_BYTES = 24;

const firstByte = (item: Parameters<typeof isFailure>[0]) => (isFailure(item) ? -1 : (item.data[0] ?? -1));

function fileOf(bytes: Uint8Array): number {
  const path = join(temporaryFolder(), "raw");
  writeFileSync(path, bytes);
  return openSync(path, "r");
}

function framesOf(count: number, bytes = FRAME_BYTES): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => Buffer.alloc(bytes, i)));
}

/** A pipe in this process: what stdin is in a shell's pipeline. */
function pipe(): { readFd: number; writer: Socket } {
  const path = join(temporaryFolder(), "fifo");
  execFileSync("mkfifo", [path]);
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = new Socket({ fd: openSync(path, constants.O_WRONLY), readable: false, writable: true });
  writer.on("error", () => {});
  return { readFd, writer };
}

describe("openRawFrames", () => {
  it("reads a redirected file", async () => {
    const { seen, error } = await collect(
      openRawFrames(sourceOptions({ size: SMALL }), fileOf(framesOf(5))),
      firstByte,
    );
    expect({ seen, error }).toEqual({ seen: [0, 1, 2, 3, 4], error: undefined });
  });

  it("starts a redirected file again with loop", async () => {
    const source = openRawFrames(sourceOptions({ size: SMALL, loop: true }), fileOf(framesOf(3)));
    expect((await collect(source, firstByte, 8)).seen).toEqual([0, 1, 2, 0, 1, 2, 0, 1]);
  });

  it("names the bytes of a last frame that is not whole, after the frames that were", async () => {
    for (const loop of [false, true]) {
      const fd = fileOf(Buffer.concat([framesOf(2), Buffer.alloc(5)]));
      const { seen, error } = await collect(
        openRawFrames(sourceOptions({ size: SMALL, loop }), fd),
        firstByte,
      );
      expect(seen).toEqual([0, 1]);
      expect(error).toMatchObject({
        code: "SOURCE_FRAME_SIZE",
        message: "stdin ended within a frame: 5 of the 24 bytes that 4x2 rgb24 has",
      });
    }
  });

  it("says so when there is nothing at all", async () => {
    const { error } = await collect(
      openRawFrames(sourceOptions({ size: SMALL }), fileOf(Buffer.alloc(0))),
      firstByte,
    );
    expect(error).toMatchObject({ code: "SOURCE_EMPTY" });
  });

  it("wants a size, and a descriptor that is open", () => {
    expect(() => openRawFrames(sourceOptions({ size: "native" }))).toThrow("give one with --size");
    expect(() => openRawFrames(sourceOptions({ size: SMALL }), 9999)).toThrow("stdin is closed");
  });

  it("knows the bytes of an i420 frame", async () => {
    const options = sourceOptions({ size: SMALL, pixelFormat: "i420" });
    const { seen } = await collect(openRawFrames(options, fileOf(framesOf(2, 12))), (item) =>
      isFailure(item) ? null : [item.format, item.data.length],
    );
    expect(seen).toEqual([
      ["i420", 12],
      ["i420", 12],
    ]);
  });

  describe.skipIf(process.platform === "win32")("from a pipe", () => {
    it("reads to the end, and names a partial frame", async () => {
      const { readFd, writer } = pipe();
      writer.end(Buffer.concat([framesOf(6), Buffer.alloc(1)]));
      const { seen, error } = await collect(openRawFrames(sourceOptions({ size: SMALL }), readFd), firstByte);
      expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
      expect(error).toMatchObject({ code: "SOURCE_FRAME_SIZE" });
    });

    it("holds a few buffers at most, however much more waits in the pipe", async () => {
      const { readFd, writer } = pipe();
      const size = { width: 64, height: 64 };
      writer.end(framesOf(200, 64 * 64 * 3));
      const source = openRawFrames(sourceOptions({ size }), readFd);
      const buffers = new Set<unknown>();
      const { seen } = await collect(source, (item) => {
        if (!isFailure(item)) buffers.add(item.data.buffer);
        return firstByte(item);
      });
      expect(seen).toEqual(Array.from({ length: 200 }, (_, i) => i));
      expect(buffers.size).toBeLessThanOrEqual(4);
    });

    it("lets go of the pipe when the consumer leaves early", async () => {
      const { readFd, writer } = pipe();
      const broken = new Promise((resolve) => writer.once("error", resolve));
      writer.write(framesOf(20, 300_000));
      const source = openRawFrames(sourceOptions({ size: { width: 1000, height: 100 } }), readFd);
      expect((await collect(source, firstByte, 1)).seen).toEqual([0]);
      expect(await broken).toMatchObject({ code: "EPIPE" });
    });
  });
});
