import type { Color, Raster } from "./raster.js";

/** Where a figure stands in the picture. */
export interface Stance {
  /** The point on the ground below its middle, pixels. */
  readonly x: number;
  readonly y: number;
  /** Pixels a metre at its distance. */
  readonly scale: number;
  /** 1 looks to the right, -1 to the left. */
  readonly facing: 1 | -1;
}

/** Draws in the figure's own metres: x forward from its middle, y up from the ground. */
export class Pen {
  private readonly kx: number;

  constructor(
    private readonly raster: Raster,
    private readonly stance: Stance,
  ) {
    this.kx = stance.scale * stance.facing;
  }

  /** @param points x and y of each corner in turn, metres; convex in every row */
  shape(points: readonly number[], color: Color, opacity?: number): void {
    const { x, y, scale } = this.stance;
    const placed = points.map((value, i) => (i % 2 === 0 ? x + value * this.kx : y - value * scale));
    this.raster.polygon(placed, color, opacity);
  }

  ellipse(cx: number, cy: number, rx: number, ry: number, color: Color, opacity?: number): void {
    const { x, y, scale } = this.stance;
    this.raster.ellipse(x + cx * this.kx, y - cy * scale, rx * scale, ry * scale, color, opacity);
  }

  ring(cx: number, cy: number, radius: number, line: number, color: Color): void {
    const { x, y, scale } = this.stance;
    this.raster.ring(x + cx * this.kx, y - cy * scale, radius * scale, line * scale, color);
  }

  /** A limb or a tube: a line of some width with blunt ends. */
  stroke(x0: number, y0: number, x1: number, y1: number, width: number, color: Color): void {
    const dx = x1 - x0;
    const dy = y1 - y0;
    const length = Math.sqrt(dx * dx + dy * dy) || 1;
    const [along, across] = [(dx / length) * width * 0.5, (dy / length) * width * 0.5];
    this.shape(
      [
        x0 - across * 0.7 - along * 0.5,
        y0 + along * 0.7 - across * 0.5,
        x0 - across,
        y0 + along,
        x1 - across,
        y1 + along,
        x1 - across * 0.5 + along * 0.6,
        y1 + along * 0.5 + across * 0.6,
        x1 + across * 0.5 + along * 0.6,
        y1 - along * 0.5 + across * 0.6,
        x1 + across,
        y1 - along,
        x0 + across,
        y0 - along,
        x0 + across * 0.7 - along * 0.5,
        y0 - along * 0.7 - across * 0.5,
      ],
      color,
    );
  }
}
