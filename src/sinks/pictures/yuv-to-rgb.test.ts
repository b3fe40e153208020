import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rgbToYuv } from "../../source/rgb-to-yuv.js";
import { yuvToRgb } from "./yuv-to-rgb.js";

/** Two by two pixels of one colour, in both layouts. */
function convert(y: number, u: number, v: number): number[] {
  const rgb = new Uint8ClampedArray(12);
  yuvToRgb(Uint8Array.of(y, y, y, y, u, v), rgb, { width: 2, height: 2 }, "i420");
  return [...rgb.subarray(0, 3)];
}

/** BT.601-7 in limited range, with real numbers. */
function reference(y: number, u: number, v: number): number[] {
  const light = (255 / 219) * (y - 16);
  const [pb, pr] = [(u - 128) / 224, (v - 128) / 224];
  return [
    light + 255 * 1.402 * pr,
    light - 255 * ((0.114 * 1.772 * pb + 0.299 * 1.402 * pr) / 0.587),
    light + 255 * 1.772 * pb,
  ].map((value) => Math.max(0, Math.min(255, value)));
}

describe("yuvToRgb", () => {
  it.each([
    ["black", [16, 128, 128], [0, 0, 0]],
    ["white", [235, 128, 128], [255, 255, 255]],
    ["grey", [126, 128, 128], [128, 128, 128]],
    ["red", [81, 90, 240], [255, 0, 0]],
    ["green", [145, 54, 34], [0, 255, 0]],
    ["blue", [41, 240, 110], [0, 0, 255]],
    ["darker than black", [0, 128, 128], [0, 0, 0]],
    ["lighter than white", [255, 128, 128], [255, 255, 255]],
  ] as const)("%s", (_, [y, u, v], rgb) => {
    const got = convert(y, u, v);
    got.forEach((value, i) => expect(Math.abs(value - rgb[i]!)).toBeLessThanOrEqual(1));
  });

  it("is BT.601 in limited range", () => {
    const byte = fc.nat(255);
    fc.assert(
      fc.property(byte, byte, byte, (y, u, v) => {
        const wanted = reference(y, u, v);
        convert(y, u, v).forEach((value, i) => expect(Math.abs(value - wanted[i]!)).toBeLessThan(2));
      }),
      { numRuns: 1000 },
    );
  });

  it("gives back what the sources have made YUV of, in both layouts and in pieces", () => {
    const [width, height] = [8, 6];
    const size = { width, height };
    // Blocks of two by two: chroma loses nothing then.
    const blocks = fc.array(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)), {
      minLength: 12,
      maxLength: 12,
    });
    fc.assert(
      fc.property(blocks, fc.constantFrom("i420" as const, "nv12" as const), (colors, format) => {
        const rgb = new Uint8Array(width * height * 3);
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++)
            rgb.set(colors[(y >> 1) * (width / 2) + (x >> 1)]!, 3 * (y * width + x));
        const yuv = new Uint8Array((width * height * 3) / 2);
        rgbToYuv(rgb, yuv, size, format);
        const whole = new Uint8ClampedArray(rgb.length);
        yuvToRgb(yuv, whole, size, format);
        whole.forEach((value, i) => expect(Math.abs(value - rgb[i]!)).toBeLessThanOrEqual(4));
        const pieces = new Uint8ClampedArray(rgb.length);
        for (const from of [4, 0, 2]) yuvToRgb(yuv, pieces, size, format, from, from + 2);
        expect(pieces).toEqual(whole);
      }),
    );
  });
});
