/** A colour as the canvas keeps it: red in the lowest byte, then green, then blue. */
export type Color = number;

/** The brightest that may be drawn: what is above is the sensor's, whose noise is added without a carry. */
export const BRIGHTEST = 239;

/** A shape that keeps what lies under it known as what it was: shadows, glare, marks on the ground. */
export const KEEP_ID = -1;

const ID_SHIFT = 24;
const SUB_ROWS = 4;
const OPAQUE = 256;

/** @param red 0..BRIGHTEST each; what is out of range is brought into it */
export function rgb(red: number, green: number, blue: number): Color {
  return channel(red) | (channel(green) << 8) | (channel(blue) << 16);
}

/** The colour times `factor`/256, 0..256. */
export function shade(color: Color, factor: number): Color {
  const redBlue = (Math.imul(color & 0xff00ff, factor) >>> 8) & 0xff00ff;
  const green = (Math.imul(color & 0xff00, factor) >>> 8) & 0xff00;
  return redBlue | green;
}

function channel(value: number): number {
  return Math.min(BRIGHTEST, Math.max(0, Math.round(value)));
}

/**
 * A canvas of packed pixels, 0xIIBBGGRR: the colour and, in the highest byte, the id of what is seen
 * there. Shapes are filled row by row with the share of each pixel that they cover, so edges are smooth;
 * a softness above one pixel blurs them (focus, motion). Coordinates are pixels, y downwards; the pixel
 * (x, y) covers [x, x+1) x [y, y+1). What lies outside is left out.
 */
export class Raster {
  readonly pixels: Uint32Array;
  /** What the next shapes are: 0..255, or KEEP_ID. */
  id = 0;
  /** Width and height of the box that edges are smoothed with, pixels, >= 1. */
  softX = 1;
  softY = 1;
  /** Light from above: brightness at `litTop` is full, at `litBottom` it is less by `litFall`/256. */
  litTop = 0;
  litBottom = 1;
  litFall = 0;
  // Left and right end of the shape in each of the current row's sub-rows, of a ring's two halves.
  private readonly left = new Float64Array(SUB_ROWS);
  private readonly right = new Float64Array(SUB_ROWS);
  private readonly innerLeft = new Float64Array(SUB_ROWS);
  private readonly innerRight = new Float64Array(SUB_ROWS);

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.pixels = new Uint32Array(width * height);
  }

  /**
   * Fills a polygon that is convex in every row.
   * @param points x and y of each corner in turn
   * @param opacity 0..256
   */
  polygon(points: ArrayLike<number>, color: Color, opacity = OPAQUE): void {
    const { left, right } = this;
    const count = points.length;
    let top = Infinity;
    let bottom = -Infinity;
    for (let i = 1; i < count; i += 2) {
      const y = points[i] as number;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
    }
    for (let y = this.firstRow(top), end = this.endRow(bottom); y < end; y += 1) {
      for (let k = 0; k < SUB_ROWS; k += 1) {
        const at = this.subRow(y, k);
        let from = Infinity;
        let to = -Infinity;
        let x0 = points[count - 2] as number;
        let y0 = points[count - 1] as number;
        for (let i = 0; i < count; i += 2) {
          const x1 = points[i] as number;
          const y1 = points[i + 1] as number;
          if (y0 <= at !== y1 <= at) {
            const x = x0 + ((x1 - x0) * (at - y0)) / (y1 - y0);
            if (x < from) from = x;
            if (x > to) to = x;
          }
          x0 = x1;
          y0 = y1;
        }
        left[k] = from;
        right[k] = to;
      }
      this.paintRow(y, left, right, this.lit(color, y), opacity);
    }
  }

  ellipse(cx: number, cy: number, rx: number, ry: number, color: Color, opacity = OPAQUE): void {
    const { left, right } = this;
    for (let y = this.firstRow(cy - ry), end = this.endRow(cy + ry); y < end; y += 1) {
      for (let k = 0; k < SUB_ROWS; k += 1) {
        const half = halfChord(this.subRow(y, k) - cy, rx, ry);
        left[k] = cx - half;
        right[k] = cx + half;
      }
      this.paintRow(y, left, right, this.lit(color, y), opacity);
    }
  }

  /** A circle's line, `radius` to its outer edge and `line` thick. */
  ring(cx: number, cy: number, radius: number, line: number, color: Color): void {
    const { left, right, innerLeft, innerRight } = this;
    const inner = radius - line;
    for (let y = this.firstRow(cy - radius), end = this.endRow(cy + radius); y < end; y += 1) {
      for (let k = 0; k < SUB_ROWS; k += 1) {
        const dy = this.subRow(y, k) - cy;
        const half = halfChord(dy, radius, radius);
        const hole = Math.max(0, halfChord(dy, inner, inner));
        left[k] = cx - half;
        innerLeft[k] = half < 0 ? -Infinity : cx - hole;
        innerRight[k] = half < 0 ? Infinity : cx + hole;
        right[k] = cx + half;
      }
      const lit = this.lit(color, y);
      this.paintRow(y, left, innerLeft, lit, OPAQUE);
      this.paintRow(y, innerRight, right, lit, OPAQUE);
    }
  }

  private firstRow(top: number): number {
    return Math.max(0, Math.floor(top - (this.softY - 1) / 2));
  }

  private endRow(bottom: number): number {
    return Math.min(this.height, Math.ceil(bottom + (this.softY - 1) / 2));
  }

  private subRow(y: number, k: number): number {
    return y + 0.5 + this.softY * ((k + 0.5) / SUB_ROWS - 0.5);
  }

  private lit(color: Color, y: number): Color {
    if (this.litFall === 0) return color;
    const down = (y - this.litTop) / (this.litBottom - this.litTop);
    return shade(color, 256 - Math.round(this.litFall * Math.min(1, Math.max(0, down))));
  }

  /** Covers [left, right) of each sub-row; where left >= right there is nothing. */
  private paintRow(y: number, left: Float64Array, right: Float64Array, color: Color, opacity: number): void {
    const reach = (this.softX - 1) / 2;
    let first = Infinity;
    let last = -Infinity;
    let fullFrom = -Infinity;
    let fullTo = Infinity;
    for (let k = 0; k < SUB_ROWS; k += 1) {
      const from = left[k] as number;
      const to = right[k] as number;
      if (from < to) {
        if (from < first) first = from;
        if (to > last) last = to;
      }
      if (from > fullFrom) fullFrom = from;
      if (to < fullTo) fullTo = to;
    }
    if (first >= last) return;
    const begin = Math.max(0, Math.floor(first - reach));
    const end = Math.min(this.width, Math.ceil(last + reach));
    const solidFrom = Math.min(end, Math.max(begin, Math.ceil(fullFrom + reach)));
    const solidTo = Math.max(solidFrom, Math.min(end, Math.floor(fullTo - reach)));
    const row = y * this.width;
    this.paintEdge(row, begin, solidFrom, left, right, color, opacity);
    this.paintSolid(row + solidFrom, row + solidTo, color, opacity);
    this.paintEdge(row, solidTo, end, left, right, color, opacity);
  }

  private paintSolid(from: number, to: number, color: Color, opacity: number): void {
    if (from >= to) return;
    if (opacity === OPAQUE && this.id !== KEEP_ID) {
      this.pixels.fill((color | (this.id << ID_SHIFT)) >>> 0, from, to);
    } else {
      for (let i = from; i < to; i += 1) this.blend(i, color, opacity);
    }
  }

  private paintEdge(
    row: number,
    begin: number,
    end: number,
    left: Float64Array,
    right: Float64Array,
    color: Color,
    opacity: number,
  ): void {
    const { softX } = this;
    const reach = (softX - 1) / 2;
    const unit = opacity / (SUB_ROWS * softX);
    for (let x = begin; x < end; x += 1) {
      let covered = 0;
      for (let k = 0; k < SUB_ROWS; k += 1) {
        const overlap = Math.min(x + 1 + reach, right[k] as number) - Math.max(x - reach, left[k] as number);
        if (overlap > 0) covered += overlap;
      }
      const alpha = Math.round(covered * unit);
      if (alpha > 0) this.blend(row + x, color, alpha);
    }
  }

  /** Two channels at a time: each keeps a byte of room above it. */
  private blend(i: number, color: Color, alpha: number): void {
    const under = this.pixels[i] as number;
    const rest = OPAQUE - alpha;
    const redBlue =
      ((Math.imul(under & 0xff00ff, rest) + Math.imul(color & 0xff00ff, alpha)) >>> 8) & 0xff00ff;
    const green = ((Math.imul(under & 0xff00, rest) + Math.imul(color & 0xff00, alpha)) >>> 8) & 0xff00;
    const id = this.id === KEEP_ID || alpha < OPAQUE / 2 ? under & ~0xffffff : this.id << ID_SHIFT;
    this.pixels[i] = (redBlue | green | id) >>> 0;
  }
}

/** Half of an ellipse's chord at `dy` from its centre; -1 where there is none. */
function halfChord(dy: number, rx: number, ry: number): number {
  const inside = 1 - (dy / ry) * (dy / ry);
  return inside > 0 ? rx * Math.sqrt(inside) : -1;
}
