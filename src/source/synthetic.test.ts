import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { isFailure } from "../frame/frame.js";
import { frameBytes, type PixelFormat } from "../frame/pixel-format.js";
import { openSynthetic, parseSynthetic } from "./synthetic.js";
import { SyntheticScene } from "./synthetic-scene.js";
import { collect, sourceOptions } from "./testing.js";

function hashOf(format: PixelFormat, seed: number, number: number, size = { width: 64, height: 48 }): string {
  const scene = new SyntheticScene({ ...size, seed, objects: 6, format });
  const frame = Buffer.alloc(frameBytes(format, size));
  scene.draw(frame, number);
  return createHash("sha256").update(frame).digest("hex").slice(0, 16);
}

describe("SyntheticScene", () => {
  it.each([
    ["rgb24", "438f649d7f4d5d21"],
    ["i420", "1004b23a25640e0f"],
    ["nv12", "f9059983742e2d1f"],
  ] as const)("has the same bytes for a seed on every machine: %s", (format, hash) => {
    expect(hashOf(format, 7, 11)).toBe(hash);
  });

  it("differs from seed to seed and from frame to frame, and not from drawing to drawing", () => {
    const hashes = [hashOf("rgb24", 1, 0), hashOf("rgb24", 2, 0), hashOf("rgb24", 1, 8)];
    expect(new Set(hashes).size).toBe(3);
    expect(hashOf("rgb24", 1, 8)).toBe(hashes[2]);
  });

  it("fills every pixel of odd and tiny sizes", () => {
    for (const size of [
      { width: 1, height: 1 },
      { width: 33, height: 17 },
      { width: 3, height: 200 },
    ]) {
      const scene = new SyntheticScene({ ...size, seed: 3, objects: 6, format: "rgb24" });
      const frame = Buffer.alloc(frameBytes("rgb24", size));
      scene.draw(frame, 5);
      expect(frame.includes(0)).toBe(false);
    }
  });
});

describe("openSynthetic", () => {
  it("draws numbered frames at the size asked for", async () => {
    const source = openSynthetic("synthetic:", sourceOptions({ size: "native" }));
    const { seen } = await collect(
      source,
      (item) =>
        isFailure(item) ? null : [item.width, item.height, item.format, item.data.length, item.origin],
      2,
    );
    const origin = { source: "synthetic:", width: 640, height: 480 };
    expect(seen).toEqual([
      [640, 480, "rgb24", 921_600, origin],
      [640, 480, "rgb24", 921_600, origin],
    ]);
  });

  it("uses one buffer when its frames are released", async () => {
    const source = openSynthetic("synthetic:", sourceOptions());
    const { seen } = await collect(source, (item) => (isFailure(item) ? null : item.data.buffer), 20);
    expect(new Set(seen).size).toBe(1);
  });

  it("knows its options", () => {
    expect(parseSynthetic("synthetic:")).toEqual({ seed: 1, objects: 6 });
    expect(parseSynthetic("synthetic:?seed=7&objects=0")).toEqual({ seed: 7, objects: 0 });
  });

  it.each([
    ["synthetic:?sed=7", "unknown option sed, known are seed, objects"],
    ["synthetic:?seed=x", "seed=x is not a whole number"],
    ["synthetic:?seed=", "seed= is not a whole number"],
    ["synthetic:?objects=101", "objects=101 is not a whole number from 0 to 100"],
    ["synthetic:seed=7", "write synthetic:"],
    ["synthetic:?toString=1", "unknown option toString"],
  ])("refuses %s", (uri, message) => {
    expect(() => parseSynthetic(uri)).toThrow(message);
  });

  it("refuses odd sides where chroma is halved", () => {
    const options = sourceOptions({ size: { width: 33, height: 16 }, pixelFormat: "i420" });
    expect(() => openSynthetic("synthetic:", options)).toThrow("i420 needs even sides");
  });
});
