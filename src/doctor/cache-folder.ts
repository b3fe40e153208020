import { mkdtemp, rmdir, stat, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { systemCode } from "../core/errors.js";
import { type Check, verdicts } from "./check.js";

export interface CacheFolderOptions {
  readonly cacheDir: string;
  /** Whether the environment is made already, which takes most of the space. */
  readonly isMade: boolean;
  /** Free bytes of the file system of a folder. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

/** The environment takes 480 MB, and its downloads as much again while it is made. */
const NEEDED_BYTES = 1e9;
/** Below this not even compiled modules and records find room. */
const LITTLE_BYTES = 100e6;
const WAY_OUT = "Set AIW_CACHE to a folder that can be written.";

const { ok, warning, failure } = verdicts("cache", "cache folder");

/** Whether the cache folder can be written, or made, and how much room there is. */
export async function checkCacheFolder(options: CacheFolderOptions): Promise<Check> {
  const { isMade, freeBytes = freeBytesOf } = options;
  const cacheDir = resolve(options.cacheDir);
  const there = await nearestFolder(cacheDir);
  if ("reason" in there) return failure(`${cacheDir}: ${there.reason}`, WAY_OUT);
  const { folder } = there;
  const problem = await writeFailure(folder);
  if (problem !== undefined) {
    const what =
      folder === cacheDir ? `${cacheDir} cannot be written` : `${cacheDir} cannot be made in ${folder}`;
    return failure(`${what} (${problem})`, WAY_OUT);
  }
  const free = await freeBytes(folder);
  const detail = `${cacheDir}${folder === cacheDir ? "" : " (not made yet)"}, ${(free / 1e9).toFixed(1)} GB free`;
  if (free < (isMade ? LITTLE_BYTES : NEEDED_BYTES)) {
    const advice = "Free some space, or set AIW_CACHE to a folder of a disk with more.";
    const need = isMade
      ? "little is left"
      : `the environment needs ${NEEDED_BYTES / 1e9} GB while it is made`;
    return (isMade ? warning : failure)(`${detail}: ${need}`, advice);
  }
  return ok(detail);
}

/** The folder itself, or what is there of the way to it. */
async function nearestFolder(path: string): Promise<{ folder: string } | { reason: string }> {
  for (let at = path; ; at = dirname(at)) {
    try {
      return (await stat(at)).isDirectory() ? { folder: at } : { reason: `${at} is not a folder` };
    } catch (error) {
      const code = systemCode(error);
      // Under a file the system says ENOTDIR; the file itself is found further up.
      if ((code !== "ENOENT" && code !== "ENOTDIR") || at === dirname(at))
        return { reason: `${at} (${code})` };
    }
  }
}

/** Really tried, since permissions tell little of read-only and special file systems; nothing stays. */
async function writeFailure(folder: string): Promise<string | undefined> {
  try {
    await rmdir(await mkdtemp(join(folder, ".aiw-doctor-")));
    return undefined;
  } catch (error) {
    return systemCode(error) ?? String(error);
  }
}

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
