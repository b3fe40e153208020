import { readdir } from "node:fs/promises";
import { AiwError, systemCode } from "../../core/errors.js";
import { presenceCheck } from "./presence.js";
import { isSessionId, timeOfId } from "./session-id.js";
import { readSession, type StoredSession } from "./stored-session.js";

/** Sessions that are read at once. */
const AT_ONCE = 16;

export interface SessionFilter {
  readonly camera?: string | undefined;
  /** Started at this time or later; milliseconds since 1970. */
  readonly sinceMs?: number | undefined;
  /** One of these was found. */
  readonly classNames?: readonly string[] | undefined;
}

/**
 * Ids of the sessions in a folder, the newest first; links are none, whatever they lead to.
 * @returns undefined where the folder is not there
 * @throws SESSIONS_UNREADABLE
 */
export async function sessionIds(dir: string): Promise<string[] | undefined> {
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    const ids = entries.filter((entry) => entry.isDirectory() && isSessionId(entry.name));
    return ids.map(({ name }) => name).sort((a, b) => (a < b ? 1 : -1));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw new AiwError("SESSIONS_UNREADABLE", `${dir} cannot be read (${systemCode(error)})`, {
      cause: error,
    });
  }
}

/** Reads sessions in the order of their ids, a few ahead, and gives those that fit. @throws SESSIONS_UNREADABLE */
export async function* readSessions(
  dir: string,
  ids: readonly string[],
  filter: SessionFilter = {},
): AsyncGenerator<StoredSession> {
  const presence = presenceCheck(dir);
  try {
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      const some = ids.slice(from, from + AT_ONCE).filter((id) => !isBefore(id, filter));
      const read = await Promise.all(some.map((id) => readSession(dir, id, presence)));
      for (const session of read) if (session !== undefined && fits(session, filter)) yield session;
    }
  } catch (error) {
    if (error instanceof AiwError) throw error;
    throw new AiwError(
      "SESSIONS_UNREADABLE",
      `${dir} cannot be read (${systemCode(error) ?? String(error)})`,
      {
        cause: error,
      },
    );
  } finally {
    await presence.close();
  }
}

/** What began after it was given its id is not older than that; no file needs to be looked at. */
function isBefore(id: string, { sinceMs }: SessionFilter): boolean {
  return sinceMs !== undefined && timeOfId(id) + 1000 <= sinceMs;
}

function fits(session: StoredSession, { camera, sinceMs, classNames }: SessionFilter): boolean {
  if (sinceMs !== undefined && session.startMs < sinceMs) return false;
  if (camera !== undefined && session.camera !== camera) return false;
  return classNames === undefined || classNames.some((name) => (session.byClass[name] ?? 0) > 0);
}

/** Shortest part of an id that is shown: 8 hex digits. */
const LEAST_SHOWN = 8;
const partOf = (id: string) => id.slice(id.indexOf("-") + 1);

/**
 * The session that somebody means by the beginning of its id, or of the part behind its time.
 * @throws SESSION_NOT_FOUND; USAGE where it is the beginning of several
 */
export function findSession(ids: readonly string[], given: string): string {
  const [found, ...others] = ids.filter((id) => id.startsWith(given) || partOf(id).startsWith(given));
  if (found === undefined || given === "")
    throw new AiwError("SESSION_NOT_FOUND", `no session begins with "${given}"`);
  if (others.length === 0 || found === given) return found;
  const some = [found, ...others].slice(0, 3).join(", ");
  throw new AiwError(
    "USAGE",
    `"${given}" is the beginning of ${others.length + 1} sessions (${some}${others.length > 2 ? ", …" : ""}): give more of it`,
  );
}

/** How many digits behind its time tell each of these sessions from the others. */
export function shownDigits(ids: readonly string[]): number {
  const parts = ids.map(partOf);
  let digits = LEAST_SHOWN;
  while (digits < 16 && new Set(parts.map((part) => part.slice(0, digits))).size < parts.length) digits++;
  return digits;
}

/** An id as short as it may be. */
export function shortId(id: string, digits: number): string {
  return partOf(id).slice(0, digits);
}
