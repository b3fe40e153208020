/** A seeded generator: each call gives a whole number from 0 to `below` - 1. */
export type Random = (below: number) => number;

/**
 * A small seeded generator of whole numbers (mulberry32): integer arithmetic only, so that a seed
 * gives the same numbers on every machine.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    return scramble(state) % below;
  };
}

/** One number from several, 0..2^32-1: a seed for what belongs to just these. */
export function mixSeeds(...parts: readonly number[]): number {
  return parts.reduce((mixed, part) => scramble((Math.imul(mixed, 0x01000193) + part) >>> 0), 0x811c9dc5);
}

/** From `least` to `most`, both finite, in 1024 steps. */
export function between(random: Random, least: number, most: number): number {
  return least + ((most - least) * random(1025)) / 1024;
}

export function pick<T>(random: Random, choices: readonly [T, ...T[]]): T {
  return choices[random(choices.length)] ?? choices[0];
}

/** mulberry32's output function. */
function scramble(state: number): number {
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return (mixed ^ (mixed >>> 14)) >>> 0;
}

/**
 * Sine of an angle in turns, within 0.1 %. `Math.sin` is left to the engine by the language, and this
 * uses only operations that IEEE 754 defines to the last bit: the scene is the same on every machine.
 * A parabola with one step of refinement (the usual fast sine of signal processing).
 */
export function sine(turns: number): number {
  const t = turns - Math.floor(turns + 0.5);
  const parabola = 8 * t - 16 * t * Math.abs(t);
  return 0.225 * (parabola * Math.abs(parabola) - parabola) + parabola;
}

/** Three numbers from `least` to `most`: a colour's channels. */
export function random3(random: Random, least: number, most: number): [number, number, number] {
  return [between(random, least, most), between(random, least, most), between(random, least, most)];
}
