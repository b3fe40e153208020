import { AiwError } from "../core/errors.js";

/** Raw formats that a source's frame can have. */
export type PixelFormat = "rgb24" | "i420" | "nv12";
/** Formats that a frame can be encoded to on its way to the worker. */
export type PictureFormat = "jpeg" | "webp";
/** What a worker is sent. */
export type WireFormat = PixelFormat | PictureFormat;

/** The wire's names. */
export const WIRE_NAMES: Readonly<Record<WireFormat, string>> = {
  rgb24: "RGB",
  i420: "I420",
  nv12: "NV12",
  jpeg: "JPEG",
  webp: "WEBP",
};

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Largest side of a frame, pixels. */
export const MAX_SIDE = 16384;

/**
 * Bytes of one frame: 3wh for rgb24, 1.5wh for i420 and nv12.
 * @throws USAGE for sides that are not whole numbers in 1..MAX_SIDE, or odd where chroma is halved.
 */
export function frameBytes(format: PixelFormat, { width, height }: Size): number {
  for (const side of [width, height]) {
    if (!Number.isInteger(side) || side < 1 || side > MAX_SIDE) {
      throw new AiwError(
        "USAGE",
        `a frame of ${width}x${height}: sides are whole numbers from 1 to ${MAX_SIDE}`,
      );
    }
  }
  if (format === "rgb24") return 3 * width * height;
  if (width % 2 !== 0 || height % 2 !== 0) {
    throw new AiwError("USAGE", `${format} needs even sides, the frame has ${width}x${height}`);
  }
  return (3 * width * height) / 2;
}

/**
 * The size of a frame scaled to fit inside `box`, aspect kept, never enlarged; sides rounded to the
 * nearest whole pixel (to the nearest even one where chroma is halved), at least 1 (2).
 */
export function fitInside(frame: Size, box: Size, format: PixelFormat): Size {
  const scale = Math.min(1, box.width / frame.width, box.height / frame.height);
  const step = format === "rgb24" ? 1 : 2;
  const side = (length: number) => Math.max(step, Math.round((length * scale) / step) * step);
  return { width: side(frame.width), height: side(frame.height) };
}
