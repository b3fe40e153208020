import { describe, expect, it } from "vitest";
import { isFailure } from "../frame/frame.js";
import { openSynthetic } from "./synthetic.js";
import { parseSynthetic } from "./synthetic-uri.js";
import { collect, sourceOptions } from "./testing.js";

const DEFAULTS = { seed: 1, objects: 6, fps: 12, crowded: false };

describe("openSynthetic", () => {
  it("draws numbered frames at the size asked for, and says what is in them", async () => {
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
    const again = openSynthetic("synthetic:?objects=9", sourceOptions());
    const { seen: truths } = await collect(again, (item) => (isFailure(item) ? [] : (item.truth ?? [])), 3);
    expect(truths.map((truth) => truth.length > 0)).toEqual([true, true, true]);
    const ids = truths.flat().map(({ id }) => id);
    expect(new Set(ids).size).toBeLessThan(ids.length);
  });

  it("uses few buffers when its frames are released", async () => {
    const source = openSynthetic("synthetic:", sourceOptions());
    const { seen } = await collect(source, (item) => (isFailure(item) ? null : item.data.buffer), 20);
    expect(new Set(seen).size).toBe(1);
  });

  it.each(["i420", "nv12"] as const)("draws the same picture as %s", async (pixelFormat) => {
    const size = { width: 64, height: 48 };
    const lumas = async (format: "rgb24" | "i420" | "nv12") => {
      const source = openSynthetic("synthetic:?seed=5", sourceOptions({ size, pixelFormat: format }));
      const { seen } = await collect(source, (item) => (isFailure(item) ? null : Buffer.from(item.data)), 1);
      return seen[0]!;
    };
    const rgb = await lumas("rgb24");
    const yuv = await lumas(pixelFormat);
    expect(yuv.length).toBe((64 * 48 * 3) / 2);
    for (let i = 0; i < 64 * 48; i += 1) {
      const [r, g, b] = rgb.subarray(3 * i);
      const luma = 16 + (65.738 * r! + 129.057 * g! + 25.064 * b!) / 256;
      expect(Math.abs(yuv[i]! - luma)).toBeLessThan(1.2);
    }
  });

  it("begins again when it is rewound, even while a frame is drawn", async () => {
    const source = openSynthetic("synthetic:", sourceOptions({ size: { width: 64, height: 48 } }));
    const frames = source.frames();
    const next = async () => {
      const { value } = await frames.next();
      if (!value || isFailure(value)) throw new Error("no frame");
      const seen = Buffer.from(value.data).toString("base64");
      value.release();
      return seen;
    };
    const [first, second] = [await next(), await next()];
    expect(second).not.toBe(first);
    source.rewind?.();
    expect(await next()).toBe(first);
    const drawn = next();
    source.rewind?.();
    expect(await drawn).toBe(first);
    expect(await next()).toBe(second);
    await source.close();
  });

  it("has its own rate, for --realtime", () => {
    expect(openSynthetic("synthetic:?fps=25", sourceOptions()).rateFps).toBe(25);
  });

  it("knows its options", () => {
    expect(parseSynthetic("synthetic:")).toEqual(DEFAULTS);
    expect(parseSynthetic("synthetic:?seed=7&objects=0")).toEqual({ ...DEFAULTS, seed: 7, objects: 0 });
    expect(parseSynthetic("synthetic:?fps=25&crowded=1")).toEqual({
      ...{ seed: 1, objects: 12, fps: 25, crowded: true },
    });
    expect(parseSynthetic("SYNTHETIC://?crowded=1&objects=3")).toMatchObject({ objects: 3, crowded: true });
  });

  it.each([
    ["synthetic:?sed=7", "unknown option sed, known are seed, objects, fps, crowded"],
    ["synthetic:?seed=x", "seed=x is not a whole number from 0 to 4294967295"],
    ["synthetic:?seed=", "seed= is not a whole number"],
    ["synthetic:?seed=4294967296", "seed=4294967296 is not a whole number"],
    ["synthetic:?objects=255", "objects=255 is not a whole number from 0 to 254"],
    ["synthetic:?fps=0", "fps=0 is not a whole number from 1 to 1000"],
    ["synthetic:?crowded=yes", "crowded=yes is not a whole number from 0 to 1"],
    ["synthetic:?seed=1&seed=2", "seed is given twice"],
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
