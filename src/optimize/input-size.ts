import type { Size } from "../frame/pixel-format.js";

/** Sides of a YOLO's input are multiples of its largest stride, pixels. */
const STRIDE = 32;

/**
 * The input that frames fill without a border: as wide and high as they are when they are fitted into the
 * model's own input, each side rounded up to the stride.
 * @param frame size of the frames that are sent, or the box that they are fitted into
 * @param own the model's input
 * @returns undefined where that is no smaller than the model's own
 */
export function fillingSize(frame: Size, own: Size, stride = STRIDE): Size | undefined {
  const scale = Math.min(own.width / frame.width, own.height / frame.height);
  const side = (length: number) => Math.max(stride, Math.ceil(Math.round(length * scale) / stride) * stride);
  const size = { width: side(frame.width), height: side(frame.height) };
  return size.width * size.height < own.width * own.height ? size : undefined;
}

/** The size that most frames have. */
export function usualSize(frames: readonly Size[]): Size | undefined {
  const counts = new Map<string, { size: Size; count: number }>();
  for (const { width, height } of frames) {
    const key = `${width}x${height}`;
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { size: { width, height }, count: 1 });
    else known.count++;
  }
  return [...counts.values()].sort((a, b) => b.count - a.count)[0]?.size;
}
