import { accessSync, constants, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { makeFolders } from "../core/make-folder.js";
import { outputFailed } from "./output-failed.js";

/**
 * Checks that files can be written into a folder, which may have to be made first, long before one
 * is; touches nothing.
 * @throws OUTPUT_FAILED
 */
export function checkFolder(folder: string): void {
  try {
    let there = resolve(folder);
    let found = statSync(there, { throwIfNoEntry: false });
    while (found === undefined && dirname(there) !== there) {
      there = dirname(there);
      found = statSync(there, { throwIfNoEntry: false });
    }
    if (found?.isDirectory() === false) {
      throw Object.assign(new Error(`${there} is not a folder`), { code: "ENOTDIR" });
    }
    accessSync(there, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw outputFailed(folder, error);
  }
}

/** Makes a folder, with its parents, where it is missing. @throws OUTPUT_FAILED */
export function makeFolder(folder: string): void {
  try {
    makeFolders(resolve(folder));
  } catch (error) {
    throw outputFailed(folder, error);
  }
}
