import sharp from "sharp";
import { AiwError } from "../core/errors.js";
import type { PictureFormat, Size } from "../frame/pixel-format.js";

/** As detectors are trained on: what is lost moves boxes by less than the model itself is sure of. */
const QUALITY = 90;
/**
 * The quick ways of both encoders. Measured with 640x480: optimised Huffman tables make a JPEG 2 % smaller and
 * take three times as long (5.1 ms, not 1.7); effort 4 makes a WebP 3 % smaller and takes 42 ms, not 15.
 */
const JPEG = { quality: QUALITY, optimiseCoding: false } as const;
const WEBP = { quality: QUALITY, effort: 0 } as const;

// No picture is encoded twice: libvips' cache would hold the last ones for nothing.
sharp.cache(false);

/**
 * Encodes a frame on threads of libvips, where no result waits for it.
 * @param rgb24 width * height * 3 bytes, read until the promise settles
 * @throws FRAME_NOT_ENCODED (a WebP has at most 16383 pixels a side)
 */
export async function encodePicture(
  rgb24: Uint8Array,
  { width, height }: Size,
  format: PictureFormat,
): Promise<Uint8Array> {
  const raw = sharp(rgb24, { raw: { width, height, channels: 3 }, limitInputPixels: false });
  try {
    return await (format === "jpeg" ? raw.jpeg(JPEG) : raw.webp(WEBP)).toBuffer();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `a frame of ${width}x${height} cannot be encoded as ${format}: ${why}`;
    throw new AiwError("FRAME_NOT_ENCODED", message, { cause });
  }
}
