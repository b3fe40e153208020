import type { PixelFormat, Size } from "../../frame/pixel-format.js";

/**
 * Turns rows of planar or half-planar YUV into red, green, blue: BT.601, limited range, in the usual
 * 8-bit integer approximation (Microsoft's "Recommended 8-Bit YUV Formats"), the inverse of what the
 * sources make. Each chroma sample counts for its 2 x 2 pixels.
 * @param yuv width * height * 1.5 bytes; both sides are even
 * @param rgb gets width * height * 3 bytes; those of the rows asked for are written
 * @param from first row, even
 * @param to row after the last, even
 */
export function yuvToRgb(
  yuv: Uint8Array,
  rgb: Uint8ClampedArray,
  { width, height }: Size,
  format: Exclude<PixelFormat, "rgb24">,
  from = 0,
  to = height,
): void {
  const luma = width * height;
  const [step, vOffset] = format === "nv12" ? [2, 1] : [1, luma / 4];
  let chroma = luma + (from / 2) * (width / 2) * step;
  for (let y = from; y < to; y += 2) {
    for (let x = 0; x < width; x += 2) {
      const u = (yuv[chroma] as number) - 128;
      const v = (yuv[chroma + vOffset] as number) - 128;
      chroma += step;
      const red = 409 * v + 128;
      const green = -100 * u - 208 * v + 128;
      const blue = 516 * u + 128;
      for (let corner = 0; corner < 4; corner += 1) {
        const at = (y + (corner >> 1)) * width + x + (corner & 1);
        const light = 298 * ((yuv[at] as number) - 16);
        // The array clamps what is out of range.
        rgb[3 * at] = (light + red) >> 8;
        rgb[3 * at + 1] = (light + green) >> 8;
        rgb[3 * at + 2] = (light + blue) >> 8;
      }
    }
  }
}
