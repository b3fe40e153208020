import { AiwError } from "../core/errors.js";
import { MOST_OBJECTS } from "../scene/limits.js";

export interface SceneParameters {
  readonly seed: number;
  /** How many move about; in a crowd by default more. */
  readonly objects: number;
  /** Frames a second of the scene's own time: how far things move from one frame to the next. */
  readonly fps: number;
  /** Objects go in groups, and more stands about. */
  readonly crowded: boolean;
}

const OBJECTS = 6;
const OBJECTS_IN_A_CROWD = 12;

interface Range {
  readonly least: number;
  readonly most: number;
}

/** The options of `synthetic:?…`, whole numbers all of them. */
const RANGES = {
  seed: { least: 0, most: 2 ** 32 - 1 },
  objects: { least: 0, most: MOST_OBJECTS },
  fps: { least: 1, most: 1000 },
  crowded: { least: 0, most: 1 },
} as const satisfies Record<keyof SceneParameters, Range>;

/** True for `synthetic:`, with options or without. */
export function isSynthetic(uri: string): boolean {
  return /^synthetic:/i.test(uri);
}

/** @throws USAGE */
export function parseSynthetic(uri: string): SceneParameters {
  const [, query] =
    /^synthetic:(?:\/\/)?(?:\?(.*))?$/i.exec(uri) ??
    fail(`--source ${uri}: write synthetic: or synthetic:?seed=7&objects=6`);
  const given = new URLSearchParams(query ?? "");
  for (const key of given.keys()) {
    if (!Object.hasOwn(RANGES, key)) {
      fail(`--source ${uri}: unknown option ${key}, known are ${Object.keys(RANGES).join(", ")}`);
    }
    if (given.getAll(key).length > 1) fail(`--source ${uri}: ${key} is given twice`);
  }
  const whole = (key: keyof SceneParameters, initial: number) => {
    const { least, most } = RANGES[key];
    const text = given.get(key);
    if (text === null) return initial;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) {
      fail(`--source ${uri}: ${key}=${text} is not a whole number from ${least} to ${most}`);
    }
    return value;
  };
  const crowded = whole("crowded", 0) === 1;
  const objects = whole("objects", crowded ? OBJECTS_IN_A_CROWD : OBJECTS);
  return { seed: whole("seed", 1), objects, fps: whole("fps", 12), crowded };
}

function fail(message: string): never {
  throw new AiwError("USAGE", message);
}
