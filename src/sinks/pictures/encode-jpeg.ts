import { setImmediate as nextTurn } from "node:timers/promises";
import sharp from "sharp";
import type { Frame } from "../../frame/frame.js";
import { yuvToRgb } from "./yuv-to-rgb.js";

/** Pixels that are converted in one go, a millisecond of the event loop or less. */
const PIXELS_A_TURN = 65_536;
/** Where the chroma is halved, thin lines in colour lose their edges. */
const JPEG = { quality: 90, chromaSubsampling: "4:4:4" } as const;
/** A frame may have more pixels than sharp takes of a picture that somebody sent. */
const NO_LIMIT = { limitInputPixels: false } as const;

// No picture is encoded twice: libvips' cache would hold the last ones for nothing.
sharp.cache(false);

type Pixels = Pick<Frame, "data" | "width" | "height" | "format">;

/**
 * A frame with what is drawn over it, as the bytes of a JPEG file. The pixels are read until the promise
 * settles, on threads of libvips; only a conversion from YUV is done here, in short pieces.
 * @param overlay SVG of the frame's size
 */
export async function encodeJpeg(frame: Pixels, overlay: string | undefined): Promise<Uint8Array> {
  const { width, height } = frame;
  const rgb = frame.format === "rgb24" ? frame.data : await toRgb(frame, frame.format);
  const picture = sharp(rgb, { raw: { width, height, channels: 3 }, ...NO_LIMIT });
  const drawn =
    overlay === undefined ? picture : picture.composite([{ input: Buffer.from(overlay), ...NO_LIMIT }]);
  return drawn.jpeg(JPEG).toBuffer();
}

async function toRgb(frame: Pixels, format: "i420" | "nv12"): Promise<Uint8ClampedArray> {
  const { data, width, height } = frame;
  const rgb = new Uint8ClampedArray(width * height * 3);
  const rows = Math.max(2, 2 * Math.floor(PIXELS_A_TURN / width / 2));
  for (let from = 0; from < height; from += rows) {
    if (from > 0) await nextTurn();
    yuvToRgb(data, rgb, frame, format, from, Math.min(height, from + rows));
  }
  return rgb;
}
