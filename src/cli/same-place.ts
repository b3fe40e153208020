import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { AiwError } from "../core/errors.js";

interface NamedTarget {
  /** The flag with its value, for people. */
  readonly name: string;
  /** A path, or "-" for stdout. */
  readonly target: string;
}

/** @throws USAGE when two outputs would write to the same place */
export function refuseSamePlace(outputs: readonly NamedTarget[]): void {
  const taken = new Map<string, string>();
  for (const { name, target } of outputs) {
    const place = target === "-" ? target : realPath(target);
    const other = taken.get(place);
    if (other !== undefined) {
      throw new AiwError(
        "USAGE",
        `${name}: ${other} writes ${target === "-" ? "to stdout" : "there"} already`,
      );
    }
    taken.set(place, name);
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
