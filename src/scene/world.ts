import type { Size } from "../frame/pixel-format.js";
import { between, type Random } from "./random.js";

/** How the camera looks at the ground: what stands nearer is larger and lower in the picture. */
export interface World extends Size {
  /** Row of the horizon, pixels. */
  readonly horizon: number;
  /** Height of the camera above the ground, metres. */
  readonly eye: number;
  /** Pixels a metre of what is farthest and what is nearest. */
  readonly farScale: number;
  readonly nearScale: number;
}

export function newWorld({ width, height }: Size, random: Random): World {
  const horizon = height * between(random, 0.24, 0.38);
  const nearScale = height * between(random, 0.28, 0.32);
  const eye = (height * between(random, 0.93, 0.98) - horizon) / nearScale;
  return { width, height, horizon, eye, farScale: height * 0.09, nearScale };
}

/**
 * The row at which a thing of this scale touches the ground, pixels: by the pinhole camera both its size
 * and its distance below the horizon go with 1 / depth.
 */
export function groundRow(world: World, scale: number): number {
  return world.horizon + world.eye * scale;
}
