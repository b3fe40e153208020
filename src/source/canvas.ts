import type { PixelFormat, Size } from "../frame/pixel-format.js";

/** 0..255 each. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** Draws into raw frames of one format and size. */
export interface Canvas {
  /**
   * Fills the pixels [x, x + width) of the rows y and y + 1. `x`, `y` and `width` are even, so that a
   * span covers whole chroma samples; what lies outside the frame is left out.
   */
  fillPair(frame: Buffer, y: number, x: number, width: number, color: Rgb): void;
}

export function canvasFor(format: PixelFormat, size: Size): Canvas {
  return format === "rgb24" ? new RgbCanvas(size) : new YuvCanvas(size, format);
}

class RgbCanvas implements Canvas {
  /** A row of each colour that was used: copying a stretch of it beats writing three bytes a pixel. */
  private readonly rows = new Map<Rgb, Buffer>();

  constructor(private readonly size: Size) {}

  fillPair(frame: Buffer, y: number, x: number, width: number, color: Rgb): void {
    const from = Math.max(0, x);
    const to = Math.min(this.size.width, x + width);
    if (to <= from) return;
    const row = this.rowOf(color);
    for (let line = Math.max(0, y); line < Math.min(this.size.height, y + 2); line += 1) {
      row.copy(frame, 3 * (line * this.size.width + from), 0, 3 * (to - from));
    }
  }

  private rowOf(color: Rgb): Buffer {
    let row = this.rows.get(color);
    if (row === undefined) {
      row = Buffer.alloc(3 * this.size.width, Buffer.from(color));
      this.rows.set(color, row);
    }
    return row;
  }
}

class YuvCanvas implements Canvas {
  constructor(
    private readonly size: Size,
    private readonly format: "i420" | "nv12",
  ) {}

  fillPair(frame: Buffer, y: number, x: number, width: number, color: Rgb): void {
    const { width: stride, height } = this.size;
    const from = Math.max(0, x);
    const to = Math.min(stride, x + width);
    if (to <= from || y < 0 || y >= height) return;
    const [luma, u, v] = toYuv(color);
    for (const line of [y, y + 1]) frame.fill(luma, line * stride + from, line * stride + to);
    const chroma = stride * height;
    if (this.format === "nv12") {
      const row = chroma + (y / 2) * stride;
      for (let at = row + from; at < row + to; at += 2) {
        frame[at] = u;
        frame[at + 1] = v;
      }
    } else {
      const row = chroma + (y / 2) * (stride / 2);
      frame.fill(u, row + from / 2, row + to / 2);
      frame.fill(v, row + chroma / 4 + from / 2, row + chroma / 4 + to / 2);
    }
  }
}

/** BT.601, limited range, in the usual 8-bit integer approximation. */
function toYuv([r, g, b]: Rgb): [luma: number, u: number, v: number] {
  return [
    ((66 * r + 129 * g + 25 * b + 128) >> 8) + 16,
    ((-38 * r - 74 * g + 112 * b + 128) >> 8) + 128,
    ((112 * r - 94 * g - 18 * b + 128) >> 8) + 128,
  ];
}
