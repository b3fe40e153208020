import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Env } from "./cache-dir.js";

/** Whether `path` is a file that this user may run (on Windows: any file). */
export function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The value of PATH; Windows spells the name as it likes ("Path"). */
function pathOf(env: Env): string {
  const name = Object.keys(env).find((key) => key === "PATH" || key.toUpperCase() === "PATH");
  return (name === undefined ? undefined : env[name]) ?? "";
}

/** Every executable called `name` on PATH, in its order; empty and repeated folders are left out. */
export function findAllOnPath(name: string, env: Env): string[] {
  const folders = [...new Set(pathOf(env).split(delimiter))].filter((folder) => folder !== "");
  const names = process.platform === "win32" ? [`${name}.exe`, name] : [name];
  return folders
    .flatMap((folder) => names.map((file) => join(folder, file)))
    .filter((path) => isExecutableFile(path));
}

/** The executable that a shell would run for `name`, or undefined. */
export function findOnPath(name: string, env: Env): string | undefined {
  return findAllOnPath(name, env)[0];
}
