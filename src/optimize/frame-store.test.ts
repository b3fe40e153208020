import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { frameFiles, framesSha256, writeFrames } from "./frame-store.js";
import type { SampledFrame } from "./sample.js";

const frame = (width: number, height: number, value: number): SampledFrame => ({
  ...{ width, height },
  pixels: new Uint8Array(3 * width * height).fill(value),
});

function newFolder() {
  const above = mkdtempSync(join(tmpdir(), "aiw-frames-"));
  onTestFinished(() => rmSync(above, { recursive: true, force: true }));
  return join(above, "not", "made");
}

describe("frames in files", () => {
  it("lie one behind the other, with their sizes beside them", async () => {
    const folder = newFolder();
    const files = frameFiles(folder, "judging");
    await writeFrames(folder, files, [frame(2, 1, 7), frame(1, 1, 9)]);
    const { pixels, sizes } = files;
    expect([...readFileSync(pixels)]).toEqual([7, 7, 7, 7, 7, 7, 9, 9, 9]);
    expect(JSON.parse(readFileSync(sizes, "utf8"))).toEqual([
      [2, 1],
      [1, 1],
    ]);
  });

  it("replace those of an earlier command", async () => {
    const folder = newFolder();
    const files = frameFiles(folder, "judging");
    await writeFrames(folder, files, [frame(2, 2, 7)]);
    await writeFrames(folder, files, []);
    const { pixels, sizes } = files;
    expect(readFileSync(pixels)).toHaveLength(0);
    expect(readFileSync(sizes, "utf8")).toBe("[]");
  });
});

describe("the hash of frames", () => {
  const frames = { calibrating: [frame(2, 1, 1)], judging: [frame(2, 1, 2)] };
  const others = {
    "other pixels": { ...frames, judging: [frame(2, 1, 3)] },
    "another size of the same pixels": { ...frames, judging: [frame(1, 2, 2)] },
    "one more": { ...frames, judging: [...frames.judging, frame(2, 1, 2)] },
    "another order": { calibrating: frames.judging, judging: frames.calibrating },
  };

  it("is the same for the same", () => {
    const copy = { calibrating: [frame(2, 1, 1)], judging: [frame(2, 1, 2)] };
    expect(framesSha256(copy)).toBe(framesSha256(frames));
    expect(framesSha256(frames)).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each(Object.entries(others))("is another for %s", (_, other) => {
    expect(framesSha256(other)).not.toBe(framesSha256(frames));
  });
});
