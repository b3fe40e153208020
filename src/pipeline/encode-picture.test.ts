import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { encodePicture } from "./encode-picture.js";

/** A smooth picture, which loses little: red grows to the right, green downwards. */
function gradient(width: number, height: number): Buffer {
  const rgb = Buffer.from(new SharedArrayBuffer(width * height * 3));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      rgb.set([(255 * x) / width, (255 * y) / height, 128], 3 * (y * width + x));
    }
  }
  return rgb;
}

describe("encodePicture", () => {
  it.each([
    ["jpeg", 64, 48],
    ["jpeg", 33, 17],
    ["jpeg", 1, 1],
    ["webp", 64, 48],
    ["webp", 33, 17],
    ["webp", 1, 1],
  ] as const)("makes a %s of %ix%i that shows the same", async (format, width, height) => {
    const rgb = gradient(width, height);
    const bytes = await encodePicture(rgb, { width, height }, format);
    const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    expect(await sharp(bytes).metadata()).toMatchObject({ format, width, height });
    expect(info).toMatchObject({ width, height, channels: 3 });
    const errors = data.map((value, i) => Math.abs(value - (rgb[i] ?? 0)));
    expect(errors.reduce((a, b) => a + b, 0) / errors.length).toBeLessThan(4);
  });

  it("says why one cannot be encoded", async () => {
    const size = { width: 16_384, height: 1 };
    await expect(encodePicture(gradient(16_384, 1), size, "webp")).rejects.toMatchObject({
      code: "FRAME_NOT_ENCODED",
      message: expect.stringMatching(/^a frame of 16384x1 cannot be encoded as webp: ./),
    });
  });
});
