import { between, pick, seededRandom } from "../scene/random.js";

/** Something that is in view for a time; what the simulated engine detects. */
export interface Presence {
  /** From the first frame on, microseconds; until excluded. */
  readonly fromUs: number;
  readonly untilUs: number;
  readonly className: string;
  /** 0..1 */
  readonly confidence: number;
  /** Shares of the frame: left, top, width, height. */
  readonly box: readonly [number, number, number, number];
}

export const SEEDED_CLASSES = ["person", "car", "dog"] as const;
/** One of so many presences is a false positive: a single moment, none too sure. */
const FALSE_ONE_IN = 4;
const MOMENT_US = 150_000;

/** Presences one after the other without end, the same for a seed. */
export function* seededPresences(seed: number): Generator<Presence, never, undefined> {
  const random = seededRandom(seed);
  for (let nowUs = 0; ;) {
    const fromUs = nowUs + Math.round(between(random, 2e6, 15e6));
    const isFalse = random(FALSE_ONE_IN) === 0;
    const untilUs = fromUs + (isFalse ? MOMENT_US : Math.round(between(random, 2e6, 12e6)));
    const [width, height] = [between(random, 0.05, 0.3), between(random, 0.1, 0.6)];
    yield {
      fromUs,
      untilUs,
      className: pick(random, SEEDED_CLASSES),
      confidence: between(random, isFalse ? 0.35 : 0.6, isFalse ? 0.5 : 0.95),
      box: [between(random, 0, 1 - width), between(random, 0, 1 - height), width, height],
    };
    nowUs = untilUs;
  }
}
