import type { Size } from "../frame/pixel-format.js";

/**
 * Turns rows of red, green, blue into planar or half-planar YUV: BT.601, limited range, in the usual 8-bit
 * integer approximation (ITU-R BT.601-7 as in Microsoft's "Recommended 8-Bit YUV Formats"). Chroma is
 * that of the mean of each 2 x 2 pixels.
 * @param rgb24 width * height * 3 bytes; both sides are even
 * @param yuv gets width * height * 1.5 bytes
 */
export function rgbToYuv(
  rgb24: Uint8Array,
  yuv: Uint8Array,
  { width, height }: Size,
  format: "i420" | "nv12",
): void {
  const luma = width * height;
  const [step, vOffset] = format === "nv12" ? [2, 1] : [1, luma / 4];
  let chroma = luma;
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      let [red, green, blue] = [0, 0, 0];
      for (let corner = 0; corner < 4; corner += 1) {
        const at = (y + (corner >> 1)) * width + x + (corner & 1);
        const r = rgb24[3 * at] as number;
        const g = rgb24[3 * at + 1] as number;
        const b = rgb24[3 * at + 2] as number;
        yuv[at] = ((66 * r + 129 * g + 25 * b + 128) >> 8) + 16;
        red += r;
        green += g;
        blue += b;
      }
      // Sums of four: two more bits to take away.
      yuv[chroma] = ((-38 * red - 74 * green + 112 * blue + 512) >> 10) + 128;
      yuv[chroma + vOffset] = ((112 * red - 94 * green - 18 * blue + 512) >> 10) + 128;
      chroma += step;
    }
  }
}
