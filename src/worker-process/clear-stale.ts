import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** Work that has gone on for so long does so no more. */
const STALE_MS = 24 * 3_600_000;

/** Takes away what commands that were killed have left in a folder for half-made things. */
export async function clearStale(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const info = await stat(path).catch(() => undefined);
    if (info === undefined || Date.now() - info.mtimeMs < STALE_MS) continue;
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}
