import type { Pen } from "../pen.js";
import type { Random } from "../random.js";

/** One individual: it keeps its looks for life. */
export interface Figure {
  /** Metres: what it fills of the picture at most, to both sides of its middle and above the ground. */
  readonly halfWidth: number;
  readonly height: number;
  /** @param gait how far its legs or wheels have gone, turns */
  draw(pen: Pen, gait: number): void;
}

/** Makes an individual of its kind. */
export type Breed = (random: Random) => Figure;
