import { bicycle } from "./figures/bicycle.js";
import { bottle } from "./figures/bottle.js";
import { car } from "./figures/car.js";
import { dog } from "./figures/dog.js";
import type { Breed, Figure } from "./figures/figure.js";
import { person } from "./figures/person.js";
import { SCENERY } from "./figures/scenery.js";
import type { Stance } from "./pen.js";
import { between, mixSeeds, pick, type Random, seededRandom } from "./random.js";
import { groundRow, type World } from "./world.js";

interface Kind {
  readonly className: string;
  readonly breed: Breed;
  /** Metres of one turn of its legs or wheels. */
  readonly stride: number;
  /** How near it comes, as a share of the nearest scale: a car any nearer would be all there is. */
  readonly nearest: number;
}

const KINDS: readonly [Kind, ...Kind[]] = [
  { className: "person", breed: person, stride: 1.5, nearest: 1 },
  { className: "car", breed: car, stride: 2.1, nearest: 0.55 },
  { className: "bicycle", breed: bicycle, stride: 2.1, nearest: 0.9 },
  { className: "dog", breed: dog, stride: 0.9, nearest: 1 },
  { className: "bottle", breed: bottle, stride: 1, nearest: 1 },
];

/** The classes of what moves about in the scene. */
export const SCENE_CLASSES: readonly string[] = KINDS.map(({ className }) => className);

/** How many go together in a crowd. */
const GROUP = 3;
/** Time from entering to leaving, seconds. */
const LIFE_S = { least: 9, most: 22 } as const;

/** Somebody or something, where it is in one frame. */
export interface Actor {
  /** Persistent and of this one alone; undefined for scenery. */
  readonly id: number | undefined;
  readonly className: string | undefined;
  readonly figure: Figure;
  readonly stance: Stance;
  readonly gait: number;
  /** Pixels that it moves to the side in a frame. */
  readonly speed: number;
}

export interface CastOptions {
  readonly seed: number;
  readonly objects: number;
  readonly crowded: boolean;
  readonly fps: number;
}

/** One way through the picture: in at one side, perhaps a stop, out at the other. */
interface Life {
  readonly number: number;
  readonly kind: Kind;
  readonly figure: Figure;
  readonly facing: 1 | -1;
  readonly scale: readonly [first: number, last: number];
  /** Where it stops (share of the way) and for how long (share of its time). */
  readonly stop: { readonly at: number; readonly share: number };
}

/**
 * Who is where at which frame. Each of the slots sees one object after the other come and go; where it is
 * follows from the frame's number alone, so that frames can be asked for in any order.
 */
export class Cast {
  private readonly scenery: readonly Actor[];
  private readonly slots: readonly Slot[];

  constructor(world: World, options: CastOptions) {
    const random = seededRandom(mixSeeds(options.seed, 1));
    const standing = random(options.crowded ? 6 : 4);
    this.scenery = Array.from({ length: standing }, () => placeScenery(world, random));
    this.slots = Array.from({ length: options.objects }, (_, i) => new Slot(world, options, i));
  }

  /** All of them, the farthest first. */
  at(frame: number): Actor[] {
    const all = [...this.scenery, ...this.slots.map((slot) => slot.at(frame))];
    return all.sort((a, b) => a.stance.scale - b.stance.scale);
  }
}

class Slot {
  private readonly lifeFrames: number;
  private readonly offset: number;
  private current: Life | undefined;

  constructor(
    private readonly world: World,
    private readonly options: CastOptions,
    private readonly index: number,
  ) {
    const { seed, crowded, fps } = options;
    const own = seededRandom(mixSeeds(seed, 2, index));
    const shared = crowded ? seededRandom(mixSeeds(seed, 3, Math.floor(index / GROUP))) : own;
    this.lifeFrames = Math.max(2, between(shared, LIFE_S.least, LIFE_S.most) * fps);
    this.offset = this.lifeFrames * (between(shared, 0, 1) + (crowded ? between(own, 0, 0.12) : 0));
  }

  at(frame: number): Actor {
    const lived = (frame + this.offset) / this.lifeFrames;
    const number = Math.floor(lived);
    const life = this.lifeOf(number);
    const { figure, facing, kind } = life;
    const way = progress(life, lived - number);
    const before = progress(life, Math.max(0, lived - number - 1 / this.lifeFrames));
    const [first, last] = life.scale;
    const scale = first + (last - first) * way;
    const enters = -(figure.halfWidth * first + 2);
    const leaves = this.world.width + figure.halfWidth * last + 2;
    const gone = (leaves - enters) * way;
    return {
      id: this.index + number * this.options.objects + 1,
      className: kind.className,
      figure,
      stance: {
        x: facing === 1 ? enters + gone : this.world.width - enters - gone,
        y: groundRow(this.world, scale),
        scale,
        facing,
      },
      gait: (2 * gone) / ((first + last) * kind.stride),
      speed: (leaves - enters) * (way - before),
    };
  }

  private lifeOf(number: number): Life {
    if (this.current?.number !== number) this.current = this.newLife(number);
    return this.current;
  }

  private newLife(number: number): Life {
    const { seed, crowded } = this.options;
    const own = seededRandom(mixSeeds(seed, 4, this.index, number));
    const shared = crowded ? seededRandom(mixSeeds(seed, 5, Math.floor(this.index / GROUP), number)) : own;
    const [facing, depth] = [pick(shared, [1, -1] as const), between(shared, 0, 1)];
    const stop = random1in(shared, 2)
      ? { at: between(shared, 0.25, 0.75), share: between(shared, 0.2, 0.45) }
      : { at: 1, share: 0 };
    const kind = pick(own, KINDS as readonly [Kind, ...Kind[]]);
    const figure = kind.breed(own);
    const { farScale, nearScale } = this.world;
    const inRange = (scale: number) => Math.min(nearScale * kind.nearest, Math.max(farScale, scale));
    // Squared, so that more is far than near, as on a real ground.
    const first = inRange(
      farScale + (nearScale * kind.nearest - farScale) * depth * depth * between(own, 0.85, 1.15),
    );
    return { number, kind, figure, facing, stop, scale: [first, inRange(first * between(own, 0.8, 1.25))] };
  }
}

/** Share of the way that is done at a share of its time. */
function progress({ stop }: Life, time: number): number {
  const pace = 1 / (1 - stop.share);
  const arrives = stop.at / pace;
  if (time <= arrives) return time * pace;
  return time <= arrives + stop.share ? stop.at : (time - stop.share) * pace;
}

function placeScenery(world: World, random: Random): Actor {
  const figure = (SCENERY[random(SCENERY.length)] as Breed)(random);
  const { farScale, nearScale, width } = world;
  const scale = between(random, farScale, nearScale * 0.85);
  const stance = { x: between(random, 0, width), y: groundRow(world, scale), scale, facing: 1 as const };
  return { id: undefined, className: undefined, figure, stance, gait: 0, speed: 0 };
}

function random1in(random: Random, n: number): boolean {
  return random(n) === 0;
}
