import type { Size } from "../frame/pixel-format.js";
import type { TrueObject } from "../frame/truth.js";
import { drawBackdrop } from "./backdrop.js";
import { type Actor, Cast, type CastOptions } from "./cast.js";
import { SCENERY_ID } from "./limits.js";
import { Pen, type Stance } from "./pen.js";
import { between, mixSeeds, type Random, seededRandom } from "./random.js";
import { KEEP_ID, Raster, rgb } from "./raster.js";
import { Sensor } from "./sensor.js";
import { newWorld, type World } from "./world.js";

export { SCENE_CLASSES } from "./cast.js";

export interface SceneOptions extends Size, CastOptions {}

/** Pixels a metre of the drawing that a silhouette's size is taken from, and the drawing's size. */
const GAUGE_SCALE = 24;
const GAUGE: Size = { width: 160, height: 80 };
/** Pixels around a figure that its soft edges may reach. */
const MARGIN = 8;

/** A figure that was drawn, and how much of it there was then. */
interface Drawn {
  readonly actor: Actor;
  readonly id: number;
  readonly silhouette: number;
}

interface Region {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/**
 * A drawn world: objects of five classes cross a ground in perspective, before and behind each other and
 * what stands about, in changing light, through a camera with focus, motion blur and noise. Any frame
 * follows from the options and its number alone, by operations that give the same bits on every machine.
 */
export class SyntheticScene {
  private readonly backdrop: Uint32Array;
  private readonly canvas: Raster;
  private readonly gauge = new Raster(GAUGE.width, GAUGE.height);
  private readonly world: World;
  private readonly cast: Cast;
  private readonly sensor: Sensor;
  private readonly optics: { focus: number; depthBlur: number; shutter: number; sun: number; shadow: number };

  /** Draws what never changes; takes some tens of milliseconds. */
  constructor(private readonly options: SceneOptions) {
    const random = seededRandom(mixSeeds(options.seed));
    this.world = newWorld(options, random);
    this.canvas = new Raster(options.width, options.height);
    this.optics = newOptics(this.world, random);
    drawBackdrop(this.canvas, this.world, random);
    this.backdrop = this.canvas.pixels.slice();
    this.sensor = new Sensor(options.width, options.height, random);
    this.cast = new Cast(this.world, options);
  }

  /**
   * Draws a frame.
   * @param rgb24 gets width * height * 3 bytes, rows from the top, red first
   * @param number from 0, in any order
   * @returns what is to be seen of each object, the farthest first
   */
  draw(rgb24: Uint8Array, number: number): TrueObject[] {
    const { canvas, backdrop, cast, sensor, options } = this;
    canvas.pixels.set(backdrop);
    let lastId = 0;
    const drawn = cast.at(number).map((actor) => {
      if (actor.id !== undefined) lastId += 1;
      return this.drawActor(actor, actor.id === undefined ? SCENERY_ID : lastId);
    });
    sensor.expose(canvas.pixels, rgb24, number, number / options.fps);
    return drawn.flatMap((one) => this.truthOf(one) ?? []);
  }

  private drawActor(actor: Actor, id: number): Drawn {
    const { canvas, optics } = this;
    const { stance, figure, speed } = actor;
    const blur = 1 + optics.depthBlur * Math.abs(stance.scale / optics.focus - 1);
    canvas.softX = Math.min(MARGIN, blur + speed * optics.shutter);
    canvas.softY = Math.min(MARGIN, blur);
    this.drawShadow(actor);
    canvas.id = id;
    canvas.litTop = stance.y - figure.height * stance.scale;
    canvas.litBottom = stance.y;
    canvas.litFall = 70;
    figure.draw(new Pen(canvas, stance), actor.gait);
    canvas.litFall = 0;
    return { actor, id, silhouette: actor.id === undefined ? 0 : this.silhouette(actor, id) };
  }

  private drawShadow({ stance, figure }: Actor): void {
    const { canvas, optics } = this;
    const { x, y, scale } = stance;
    const long = figure.halfWidth * scale;
    canvas.id = KEEP_ID;
    const dx = optics.sun * figure.height * scale;
    canvas.ellipse(x + dx, y, long + Math.abs(dx), scale * 0.11, rgb(8, 10, 18), optics.shadow);
  }

  /** Pixels of a whole figure that was just drawn, those outside the frame and behind its edges too. */
  private silhouette({ figure, stance, gait }: Actor, id: number): number {
    const region = regionOf(figure, stance);
    const inside = this.extent(this.clip(region), id)?.count ?? 0;
    const { width, height } = this.options;
    if (region.left >= 0 && region.right <= width && region.top >= 0 && region.bottom <= height)
      return inside;
    const { gauge } = this;
    gauge.pixels.fill(0);
    gauge.id = 1;
    const middle = { x: GAUGE.width / 2, y: GAUGE.height - 8, scale: GAUGE_SCALE, facing: stance.facing };
    figure.draw(new Pen(gauge, middle), gait);
    const whole = gauge.pixels.reduce((sum, pixel) => sum + (pixel >>> 24), 0);
    // Not ** 2, which the language leaves to the engine to round.
    const enlarged = stance.scale / GAUGE_SCALE;
    return Math.max(inside, whole * (enlarged * enlarged));
  }

  private truthOf({ actor, id, silhouette }: Drawn): TrueObject | undefined {
    const { className, id: identity, figure, stance } = actor;
    if (identity === undefined || className === undefined) return undefined;
    const seen = this.extent(this.clip(regionOf(figure, stance)), id);
    if (seen === undefined) return undefined;
    return { id: identity, className, box: seen.box, visible: Math.min(1, seen.count / silhouette) };
  }

  private clip({ left, top, right, bottom }: Region): Region {
    const { width, height } = this.options;
    return {
      left: Math.max(0, left),
      top: Math.max(0, top),
      right: Math.min(width, right),
      bottom: Math.min(height, bottom),
    };
  }

  /** The pixels of an id within a region: how many, and the box around them. */
  private extent(region: Region, id: number) {
    const { pixels, width } = this.canvas;
    let count = 0;
    let [left, right, top, bottom] = [Infinity, -1, Infinity, -1];
    for (let y = region.top; y < region.bottom; y += 1) {
      const row = y * width;
      let first = -1;
      let last = -1;
      for (let x = region.left; x < region.right; x += 1) {
        if ((pixels[row + x] as number) >>> 24 !== id) continue;
        count += 1;
        last = x;
        if (first < 0) first = x;
      }
      if (last < 0) continue;
      if (first < left) left = first;
      if (last > right) right = last;
      if (y < top) top = y;
      bottom = y;
    }
    if (count === 0) return undefined;
    return { count, box: { x: left, y: top, w: right + 1 - left, h: bottom + 1 - top } };
  }
}

/** Where a figure can have drawn at all. */
function regionOf({ halfWidth, height }: Actor["figure"], { x, y, scale }: Stance): Region {
  const half = halfWidth * 1.15 * scale + MARGIN;
  return {
    left: Math.floor(x - half),
    top: Math.floor(y - height * 1.08 * scale - MARGIN),
    right: Math.ceil(x + half),
    bottom: Math.ceil(y + 0.1 * scale + MARGIN),
  };
}

function newOptics({ farScale, nearScale }: World, random: Random) {
  return {
    focus: between(random, farScale, nearScale),
    depthBlur: between(random, 0, 1),
    shutter: between(random, 0, 0.4),
    sun: between(random, -0.45, 0.45),
    shadow: 50 + random(90),
  };
}
