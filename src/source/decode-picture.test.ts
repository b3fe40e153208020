import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { decodePicture } from "./decode-picture.js";
import { sharedFile, temporaryFolder } from "./testing.js";

const W = 20;
const H = 12;

/** A picture whose pixels are all different, so that no mix-up goes unseen. */
const pixels = Buffer.from(Array.from({ length: W * H * 3 }, (_, i) => (i * 89 + (i >> 8)) & 255));
const picture = (channels: 3 | 4 = 3, data: Buffer = pixels) =>
  sharp(data, { raw: { width: W, height: H, channels } });

async function decoded(bytes: Buffer, size: Parameters<typeof decodePicture>[1] = "native") {
  const path = join(temporaryFolder(), "picture");
  writeFileSync(path, bytes);
  return decodePicture({ path, name: "picture" }, size);
}

/** 8x8 pixels of one colour, Adobe's inverted inks, no profile. */
const CMYK_JPEG =
  "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwADAgIDAgIDAwMDBAMDBAUIBQUEBAUKBwcGCAwKDAwLCgsLDQ4SEA0OEQ4LCxAWEBETFBUV" +
  "FQwPFxgWFBgSFBUU/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EABUAAQEAAAAAAAAAAAAAAAAAAAgJ/8QAFBABAAAAAAAAAAAAAAAA" +
  "AAAAAP/aAA4EQwBNAFkASwAAPwCqYGJVHm//2Q==";

describe("decodePicture, as OpenCV's imread", () => {
  it("gives RGB", async () => {
    const { data, width, height, native } = await decoded(await picture().png().toBuffer());
    expect({ width, height, native }).toEqual({ width: W, height: H, native: { width: W, height: H } });
    expect(data.equals(pixels)).toBe(true);
  });

  it("applies every EXIF orientation", async () => {
    for (let orientation = 1; orientation <= 8; orientation += 1) {
      const bytes = await picture().withMetadata({ orientation }).jpeg({ quality: 100 }).toBuffer();
      const flat = await sharp(bytes).raw().toBuffer();
      const { data, width, height, native } = await decoded(bytes);
      const isTurned = orientation >= 5;
      expect([width, height]).toEqual(isTurned ? [H, W] : [W, H]);
      expect(native).toEqual({ width, height });
      for (const [x, y] of [
        [0, 0],
        [3, 1],
        [width - 1, height - 1],
      ] as const) {
        const [sx, sy] = sourceOf(orientation, x, y);
        expect([...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)]).toEqual([
          ...flat.subarray(3 * (sy * W + sx), 3 * (sy * W + sx) + 3),
        ]);
      }
    }
  });

  it("ignores colour profiles", async () => {
    const bytes = await picture().withIccProfile("p3").png().toBuffer();
    expect((await sharp(bytes).metadata()).icc).toBeDefined();
    const unmanaged = await sharp(bytes, { ignoreIcc: true }).raw().toBuffer();
    expect(unmanaged.equals(pixels)).toBe(false);
    expect((await decoded(bytes)).data.equals(unmanaged)).toBe(true);
  });

  it("drops alpha without blending, scaled or not", async () => {
    const rgba = Buffer.alloc(W * H * 4);
    for (let i = 0; i < W * H; i += 1) {
      pixels.copy(rgba, 4 * i, 3 * i, 3 * i + 3);
      rgba[4 * i + 3] = i % 256;
    }
    const bytes = await picture(4, rgba).png().toBuffer();
    expect((await decoded(bytes)).data.equals(pixels)).toBe(true);
    const small = { width: 10, height: 10 };
    const opaque = await decoded(await picture().png().toBuffer(), small);
    expect((await decoded(bytes, small)).data.equals(opaque.data)).toBe(true);
  });

  it("expands grey and palettes, cuts 16 bits to 8", async () => {
    const grey = await decoded(await picture().greyscale().png().toBuffer());
    expect(grey.data.length).toBe(W * H * 3);
    expect([grey.data[3], grey.data[4]]).toEqual([grey.data[5], grey.data[5]]);

    const flat = sharp({ create: { width: 4, height: 4, channels: 3, background: "#102030" } });
    const palette = await decoded(await flat.png({ palette: true }).toBuffer());
    expect([...palette.data.subarray(0, 3)]).toEqual([0x10, 0x20, 0x30]);

    const deep = Uint16Array.from(pixels, (value, i) => value * 256 + (i % 256));
    const bytes = await sharp(deep, { raw: { width: W, height: H, channels: 3 } })
      .toColourspace("rgb16")
      .png()
      .toBuffer();
    expect((await sharp(bytes).metadata()).depth).toBe("ushort");
    expect((await decoded(bytes)).data.equals(pixels)).toBe(true);
  });

  it("turns CMYK into RGB without a printer's profile", async () => {
    const { data } = await decoded(Buffer.from(CMYK_JPEG, "base64"));
    expect(data.length).toBe(8 * 8 * 3);
    // What cv2.imread gives; with the profile that libvips assumes it is 204, 53, 0.
    expect([...data.subarray(0, 3)]).toEqual([219, 33, 1]);
  });

  it("fits it inside the size, and never enlarges", async () => {
    const bytes = await picture().png().toBuffer();
    const small = await decoded(bytes, { width: 10, height: 10 });
    expect([small.width, small.height, small.data.length]).toEqual([10, 6, 180]);
    expect(small.native).toEqual({ width: W, height: H });
    const large = await decoded(bytes, { width: 1000, height: 1000 });
    expect([large.width, large.height]).toEqual([W, H]);
  });

  // SHA-256 of what cv2.imread (5.0.0) gives, as RGB.
  it.each([
    ["bus.jpg", "e8c11e7a7a688f70"],
    ["dog.jpg", "bd6a179ed7d1bd78"],
    ["horses.jpg", "7a86a7250df108b1"],
    ["zidane.jpg", "eecf91cfd4101dc2"],
  ])("gives the bytes of cv2.imread for %s", async (name, hash) => {
    const { path, reason } = sharedFile(`media/${name}`);
    if (path === null) return void expect(reason).toContain("no test data");
    const { data } = await decodePicture({ path, name }, "native");
    expect(createHash("sha256").update(data).digest("hex").slice(0, 16)).toBe(hash);
  });
});

describe("decodePicture refuses", () => {
  it("a picture that is cut off", async () => {
    const whole = await picture().jpeg({ quality: 100 }).toBuffer();
    await expect(decoded(whole.subarray(0, whole.length - 200))).rejects.toMatchObject({
      code: "SOURCE_UNDECODABLE",
      message: expect.stringContaining("picture cannot be decoded: "),
    });
  });

  it("text, nothing, and what is no picture", async () => {
    await expect(decoded(Buffer.from("hello"))).rejects.toThrow("it is text, not a picture");
    await expect(decoded(Buffer.alloc(0))).rejects.toThrow("the file is empty");
    await expect(decoded(Buffer.from([0, 1, 2]))).rejects.toThrow("it is none of JPEG, PNG");
  });

  it("more pixels than can be sent, with their number", async () => {
    const wide = await sharp({ create: { width: 20_000, height: 1, channels: 3, background: "red" } })
      .png()
      .toBuffer();
    await expect(decoded(wide)).rejects.toThrow("20000x1");
    const fitting = await decoded(wide, { width: 640, height: 480 });
    expect([fitting.width, fitting.height, fitting.native.width]).toEqual([640, 1, 20_000]);
  });

  it("a picture that claims a huge size, without reserving the memory", async () => {
    const png = await picture().png().toBuffer();
    png.writeUInt32BE(60_000, 16);
    png.writeUInt32BE(60_000, 20);
    await expect(decoded(png)).rejects.toMatchObject({ code: "SOURCE_UNDECODABLE" });
  });

  it("a file that is not there", async () => {
    await expect(decodePicture({ path: "/nowhere/x.jpg", name: "x.jpg" }, "native")).rejects.toMatchObject({
      code: "SOURCE_NOT_FOUND",
    });
  });
});

/** Which stored pixel an upright one comes from (the EXIF standard's table of orientations). */
function sourceOf(orientation: number, x: number, y: number): readonly [number, number] {
  switch (orientation) {
    case 2:
      return [W - 1 - x, y];
    case 3:
      return [W - 1 - x, H - 1 - y];
    case 4:
      return [x, H - 1 - y];
    case 5:
      return [y, x];
    case 6:
      return [y, H - 1 - x];
    case 7:
      return [W - 1 - y, H - 1 - x];
    case 8:
      return [W - 1 - y, x];
    default:
      return [x, y];
  }
}
