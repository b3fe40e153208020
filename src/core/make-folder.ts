import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { systemCode } from "./errors.js";

/**
 * Makes a folder with its parents. Not mkdir's own `recursive`, which never returns where making a folder
 * in an existing one is ENOENT (/proc).
 * @throws what the system says
 */
export function makeFolders(path: string): void {
  const isThere = () => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isThere()) return;
  const parent = dirname(path);
  if (parent !== path) makeFolders(parent);
  try {
    mkdirSync(path);
  } catch (error) {
    // Another command may have been quicker.
    if (isThere()) return;
    // "EEXIST" would say nothing of what is wrong with it.
    if (systemCode(error) !== "EEXIST") throw error;
    throw Object.assign(new Error(`${path} is no folder`), { code: "ENOTDIR" });
  }
}
