import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { AiwError } from "../core/errors.js";

interface NamedTarget {
  /** The flag with its value, for people. */
  readonly name: string;
  /** A path, or "-" for stdout. */
  readonly target: string;
}

/**
 * @param inputs paths of files that are read
 * @throws USAGE when two outputs would write to the same place, or one to where an input is
 */
export function refuseSamePlace(outputs: readonly NamedTarget[], inputs: readonly string[] = []): void {
  const taken = new Map(inputs.map((path) => [realPath(path), `${path} is read from there`]));
  for (const { name, target } of outputs) {
    const place = target === "-" ? target : realPath(target);
    const other = taken.get(place);
    if (other !== undefined) {
      throw new AiwError("USAGE", `${name}: ${other}`);
    }
    taken.set(place, `${name} writes ${target === "-" ? "to stdout" : "there"} already`);
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
