import { frameBytes, type PixelFormat, type Size } from "../frame/pixel-format.js";
import { type Canvas, canvasFor, type Rgb } from "./canvas.js";
import { seededRandom } from "./prng.js";

export interface SceneOptions extends Size {
  readonly seed: number;
  /** How many shapes move about. */
  readonly objects: number;
  readonly format: PixelFormat;
}

/** A shape that goes to and fro; places and sizes in units of two pixels. */
interface Mover {
  readonly width: number;
  readonly height: number;
  readonly round: boolean;
  readonly start: readonly [x: number, y: number];
  /** Units per 16 frames. */
  readonly speed: readonly [x: number, y: number];
  readonly color: Rgb;
  readonly stripe: Rgb;
}

/**
 * A scene of shapes that move over a still background. Any frame follows from seed and number by
 * integer arithmetic alone, so it has the same bytes on every machine.
 */
export class SyntheticScene {
  private readonly background: Buffer;
  private readonly canvas: Canvas;
  private readonly movers: readonly Mover[];

  /** @throws USAGE for a size that the format cannot have */
  constructor(private readonly options: SceneOptions) {
    const { format, seed, objects } = options;
    const random = seededRandom(seed);
    this.background = Buffer.allocUnsafeSlow(frameBytes(format, options));
    this.canvas = canvasFor(format, options);
    drawBackground(this.background, this.canvas, options, random);
    this.movers = Array.from({ length: objects }, () => newMover(options, random));
  }

  /** Draws frame `number` (from 0) into a buffer of a frame's bytes. */
  draw(frame: Buffer, number: number): void {
    this.background.copy(frame);
    for (const mover of this.movers) this.drawMover(frame, mover, number);
  }

  private drawMover(frame: Buffer, mover: Mover, number: number): void {
    const { width, height, round, start, speed, color, stripe } = mover;
    const spanX = Math.max(0, Math.ceil(this.options.width / 2) - width);
    const spanY = Math.max(0, Math.ceil(this.options.height / 2) - height);
    const left = toAndFro(start[0] + Math.floor((speed[0] * number) / 16), spanX);
    const top = toAndFro(start[1] + Math.floor((speed[1] * number) / 16), spanY);
    for (let row = 0; row < height; row += 1) {
      const inset = round ? ellipseInset(row, width, height) : 0;
      const isStripe = row * 3 >= height && row * 3 < height * 2;
      this.canvas.fillPair(
        frame,
        2 * (top + row),
        2 * (left + inset),
        2 * (width - 2 * inset),
        isStripe ? stripe : color,
      );
    }
  }
}

/** A place that walks from 0 to `span` and back. */
function toAndFro(steps: number, span: number): number {
  if (span === 0) return 0;
  const at = ((steps % (2 * span)) + 2 * span) % (2 * span);
  return at <= span ? at : 2 * span - at;
}

/** How far an ellipse's edge lies inside its box in a row, by comparing squares of whole numbers. */
function ellipseInset(row: number, width: number, height: number): number {
  const dy = 2 * row + 1 - height;
  let inset = 0;
  for (; inset < width / 2; inset += 1) {
    const dx = 2 * inset + 1 - width;
    if (dx * dx * height * height + dy * dy * width * width <= width * width * height * height) break;
  }
  return inset;
}

function newMover({ width, height }: Size, random: (below: number) => number): Mover {
  const side = Math.max(2, Math.floor(Math.min(width, height) / 2));
  const part = (least: number, most: number) =>
    Math.max(1, Math.floor((side * (least + random(most - least))) / 100));
  const speed = () => (8 + random(40)) * (random(2) === 0 ? 1 : -1);
  const channel = () => 40 + random(216);
  return {
    width: part(15, 45),
    height: part(15, 45),
    round: random(2) === 0,
    start: [random(width), random(height)],
    speed: [speed(), speed()],
    color: [channel(), channel(), channel()],
    stripe: [channel(), channel(), channel()],
  };
}

/** A slope of brightness with blotches on it. */
function drawBackground(
  frame: Buffer,
  canvas: Canvas,
  { width, height }: Size,
  random: (n: number) => number,
) {
  const block = 8;
  const tint = [random(40), random(40), random(40)] as const;
  for (let y = 0; y < height; y += block) {
    for (let x = 0; x < width; x += block) {
      const light = 50 + Math.floor((80 * y) / height) + random(16);
      const color: Rgb = [light + tint[0], light + tint[1], light + tint[2]];
      for (let line = y; line < Math.min(height, y + block); line += 2) {
        canvas.fillPair(frame, line, x, block, color);
      }
    }
  }
}
