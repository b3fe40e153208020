import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { frameBytes, type PixelFormat } from "../../frame/pixel-format.js";
import { rgbToYuv } from "../../source/rgb-to-yuv.js";
import { encodeJpeg } from "./encode-jpeg.js";

const SIZE = { width: 320, height: 240 };

/** Red, green, blue and grey quarters. */
const RGB = Buffer.alloc(frameBytes("rgb24", SIZE));
const QUARTERS = [
  [200, 30, 30],
  [30, 160, 30],
  [30, 30, 200],
  [128, 128, 128],
] as const;
for (let y = 0; y < SIZE.height; y++) {
  for (let x = 0; x < SIZE.width; x++) {
    const quarter = Math.floor(y / 120) * 2 + Math.floor(x / 160);
    RGB.set(QUARTERS[quarter]!, 3 * (y * SIZE.width + x));
  }
}

function pixels(format: PixelFormat): Uint8Array {
  if (format === "rgb24") return RGB;
  const yuv = Buffer.alloc(frameBytes(format, SIZE));
  rgbToYuv(RGB, yuv, SIZE, format);
  return yuv;
}

async function decoded(jpeg: Uint8Array) {
  const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => [...data.subarray(3 * (y * info.width + x)).subarray(0, 3)];
  return { info, at };
}

function expectNear(got: readonly number[], wanted: readonly number[]): void {
  got.forEach((value, i) => expect(Math.abs(value - wanted[i]!), `${got} ${wanted}`).toBeLessThan(8));
}

describe("encodeJpeg", () => {
  it.each(["rgb24", "i420", "nv12"] as const)("shows a frame of %s as it is", async (format) => {
    const { info, at } = await decoded(
      await encodeJpeg({ data: pixels(format), ...SIZE, format }, undefined),
    );
    expect(info).toMatchObject({ format: "raw", ...SIZE, channels: 3 });
    QUARTERS.forEach((color, i) => expectNear(at(80 + 160 * (i % 2), 60 + 120 * (i >> 1)), color));
  });

  it("draws over it, with thin lines in full colour", async () => {
    const line = `<rect x="100" y="0" width="2" height="240" fill="#ff00ff"/>`;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="320" height="240">${line}</svg>`;
    const { at } = await decoded(await encodeJpeg({ data: RGB, ...SIZE, format: "rgb24" }, svg));
    const [red, green, blue] = at(101, 60) as [number, number, number];
    expect(red).toBeGreaterThan(200);
    expect(green).toBeLessThan(60);
    expect(blue).toBeGreaterThan(200);
    expectNear(at(80, 60), QUARTERS[0]);
  });

  it("takes pixels that are shared between threads, and pictures of any size", async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(RGB.length));
    shared.set(RGB);
    const { at } = await decoded(await encodeJpeg({ data: shared, ...SIZE, format: "rgb24" }, undefined));
    expectNear(at(80, 180), QUARTERS[2]);
    for (const [width, height] of [
      [1, 1],
      [1, 700],
      [9000, 2],
    ] as const) {
      const frame = { data: Buffer.alloc(width * height * 3), width, height, format: "rgb24" as const };
      expect((await decoded(await encodeJpeg(frame, undefined))).info).toMatchObject({ width, height });
    }
  });
});
