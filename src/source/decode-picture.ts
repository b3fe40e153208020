import { readFile } from "node:fs/promises";
import sharp, { type Metadata, type Sharp, type SharpOptions } from "sharp";
import { AiwError } from "../core/errors.js";
import { fitInside, MAX_SIDE, type Size } from "../frame/pixel-format.js";
import type { PictureFile } from "./picture-list.js";
import { sniff } from "./sniff.js";

export interface DecodedPicture extends Size {
  /** rgb24, 3 · width · height bytes. */
  readonly data: Buffer;
  /** Size of the picture itself, EXIF orientation applied. */
  readonly native: Size;
}

/** As OpenCV: colour profiles are not applied, and only the first picture of several is read. */
const READ_OPTIONS: SharpOptions = { ignoreIcc: true, failOn: "error", pages: 1 };

// No picture is decoded twice in a row: libvips' cache would hold some 10 MB for nothing.
sharp.cache(false);

/**
 * Decodes a picture to rgb24 as OpenCV's imread does (EXIF orientation applied, colour profile
 * ignored, alpha dropped, grey and palette expanded, 16 bits cut to 8), scaled to fit inside `size`.
 * @throws SOURCE_NOT_FOUND, SOURCE_UNDECODABLE
 */
export async function decodePicture(file: PictureFile, size: Size | "native"): Promise<DecodedPicture> {
  const bytes = await readFile(file.path).catch((cause: Error) => {
    throw new AiwError("SOURCE_NOT_FOUND", `${file.path} cannot be read: ${cause.message}`, { cause });
  });
  const kind = sniff(bytes.subarray(0, 512));
  if (kind !== "picture") throw undecodable(file, WHAT_IT_IS[kind]);
  try {
    return await decode(bytes, size);
  } catch (cause) {
    if (cause instanceof AiwError) throw undecodable(file, cause.message);
    throw undecodable(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

const WHAT_IT_IS = {
  empty: "the file is empty",
  text: "it is text, not a picture",
  bmp: "BMP is not read here, convert it to PNG",
  other: "it is none of JPEG, PNG, WebP, TIFF, GIF and AVIF",
} as const;

function undecodable(file: PictureFile, why: string, cause?: unknown): AiwError {
  return new AiwError("SOURCE_UNDECODABLE", `${file.name} cannot be decoded: ${why}`, { cause });
}

async function decode(bytes: Buffer, size: Size | "native"): Promise<DecodedPicture> {
  const metadata = await sharp(bytes, READ_OPTIONS).metadata();
  const { width, height } = metadata.autoOrient;
  const native = { width, height };
  const target = size === "native" ? native : fitInside(native, size, "rgb24");
  if (target.width > MAX_SIDE || target.height > MAX_SIDE) {
    throw new Error(`it has ${width}x${height} pixels, more than ${MAX_SIDE} a side; give a smaller --size`);
  }
  const isScaled = target.width !== width || target.height !== height;
  const upright = sharp(bytes, READ_OPTIONS).autoOrient();
  if (metadata.space === "cmyk") {
    const whole = await cmykToRgb(upright);
    return isScaled ? scaleRgb(whole, target) : { ...whole, native };
  }
  if (!isScaled || !isPlainRgb(metadata)) {
    const whole = await toRgb(upright);
    return isScaled ? scaleRgb(whole, target) : { ...whole, native };
  }
  return { ...(await toRgb(upright.resize({ ...target, fit: "fill" }))), native };
}

/** True where scaling first and converting afterwards gives the same as the other way round. */
function isPlainRgb({ space, depth, hasAlpha }: Metadata): boolean {
  return space === "srgb" && depth === "uchar" && !hasAlpha;
}

async function scaleRgb(picture: RgbPicture, target: Size): Promise<DecodedPicture> {
  const { width, height } = picture;
  const scaled = await toRgb(
    sharp(picture.data, { raw: { width, height, channels: 3 } }).resize({ ...target, fit: "fill" }),
  );
  return { ...scaled, native: { width, height } };
}

interface RgbPicture extends Size {
  readonly data: Buffer;
}

async function toRgb(pipeline: Sharp): Promise<RgbPicture> {
  const { data, info } = await pipeline
    .removeAlpha()
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels === 3) return { data, width, height };
  if (channels === 1) return { data: expandGrey(data), width, height };
  throw new Error(`it has ${channels} channels`);
}

/**
 * OpenCV's formula, R = K - (255 - C) K / 256 of inverted inks; libvips would take a printer's
 * profile. Here the inks are not inverted: 255 is full ink.
 */
async function cmykToRgb(pipeline: Sharp): Promise<RgbPicture> {
  const { data: inks, info } = await pipeline
    .pipelineColourspace("cmyk")
    .toColourspace("cmyk")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const rgb = Buffer.allocUnsafeSlow((inks.length / info.channels) * 3);
  for (let at = 0, to = 0; to < rgb.length; at += info.channels) {
    const light = 255 - (inks[at + 3] ?? 0);
    for (let ink = at; ink < at + 3; ink += 1) rgb[to++] = light - (((inks[ink] ?? 0) * light) >> 8);
  }
  return { data: rgb, width: info.width, height: info.height };
}

function expandGrey(grey: Buffer): Buffer {
  const rgb = Buffer.allocUnsafeSlow(grey.length * 3);
  for (let i = 0, at = 0; i < grey.length; i += 1) {
    const value = grey[i] ?? 0;
    rgb[at++] = value;
    rgb[at++] = value;
    rgb[at++] = value;
  }
  return rgb;
}
