import { lstat, readdir, rename, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { systemCode } from "../../core/errors.js";
import { SESSION_FILES } from "./session-file.js";
import { isSessionId } from "./session-id.js";
import type { StoredSession } from "./stored-session.js";

/** A session that is being taken away: no longer one, whatever happens to us on the way. */
const PRUNED = /^\.(.+)\.pruned$/;

/** A session and what it takes on disk. */
export interface SizedSession {
  readonly id: string;
  readonly folder: string;
  readonly endMs: number;
  readonly bytes: number;
}

export interface PruneLimits {
  /** Those that ended before this go; milliseconds since 1970. */
  readonly endedBeforeMs?: number | undefined;
  /** Of all sessions together; the oldest go until they fit. */
  readonly maxBytes?: number | undefined;
}

/**
 * Bytes of a session's files.
 * @returns a text instead where the folder holds what is not ours to take away
 */
export async function sizeOf(folder: string): Promise<number | string> {
  let bytes = 0;
  for (const name of await readdir(folder)) {
    const found = await lstat(join(folder, name));
    if (!SESSION_FILES.includes(name)) return `holds ${name}, which is not aiw's`;
    if (!found.isFile()) return `its ${name} is no ordinary file`;
    bytes += found.size;
  }
  return bytes;
}

/**
 * Which closed sessions go, the oldest first.
 * @param keptBytes what sessions take that can't go
 */
export function choosePruned(
  sessions: readonly SizedSession[],
  keptBytes: number,
  { endedBeforeMs = Number.NEGATIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY }: PruneLimits,
): SizedSession[] {
  let bytes = sessions.reduce((sum, session) => sum + session.bytes, keptBytes);
  const oldestFirst = sessions.toSorted((a, b) => a.endMs - b.endMs || (a.id < b.id ? -1 : 1));
  return oldestFirst.filter((session) => {
    const goes = session.endMs < endedBeforeMs || bytes > maxBytes;
    if (goes) bytes -= session.bytes;
    return goes;
  });
}

/** Whether a session may go at all: nobody has it open, and nothing in it is in doubt. */
export function mayGo(session: StoredSession): session is StoredSession & { endMs: number } {
  return session.state === "closed" && session.endMs !== null;
}

/**
 * Takes a session away: at once for whoever looks, and then file by file. Links are not followed, and what is not
 * of a session stays.
 * @throws what the system says
 */
export async function removeSession(dir: string, id: string): Promise<void> {
  const gone = join(dir, `.${id}.pruned`);
  await rename(join(dir, id), gone);
  await removeFiles(gone);
}

/** Ends what a prune that was killed had begun. @throws what the system says */
export async function finishPruning(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const [, id = ""] = PRUNED.exec(entry.name) ?? [];
    if (entry.isDirectory() && isSessionId(id)) await removeFiles(join(dir, entry.name));
  }
}

async function removeFiles(folder: string): Promise<void> {
  for (const name of SESSION_FILES) {
    await unlink(join(folder, name)).catch((error: unknown) => {
      if (systemCode(error) !== "ENOENT") throw error;
    });
  }
  await rmdir(folder);
}
