import { createReadStream } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemCode } from "../../core/errors.js";
import { type Files, TEMPORARY } from "./files.js";
import { LineFile } from "./line-file.js";
import { linesOf } from "./lines-of.js";
import { readOpenHeader } from "./open-header.js";
import {
  CLOSED,
  closeSession,
  DETECTIONS,
  endMsOf,
  OPEN,
  POSTER,
  SESSION_FILES,
  type SessionHeader,
  unmark,
} from "./session-file.js";
import { isSessionId } from "./session-id.js";
import { SessionSummary } from "./session-summary.js";
import { unbornOf } from "./session-writer.js";
import { parseLine, readSession, type StoredSession } from "./stored-session.js";

export interface RecoveryOptions {
  readonly files: Files;
  /** Whether the agent that had a session open still runs. */
  readonly isAlive: (owner: string) => Promise<boolean>;
  readonly onNote: (text: string) => void;
}

/** A session that was left open, and that is closed now, with the reason "recovered". */
export interface RecoveredSession {
  readonly sessionId: string;
  /** "" where nothing says whose it was. */
  readonly camera: string;
  /** SHA-256 of the model file, hex; "" where nothing says so. */
  readonly modelId: string;
  readonly startWallMs: number;
  /** Time of its last record. */
  readonly endWallMs: number;
  /** Frames with a result, and detections of each class in them. */
  readonly results: number;
  readonly byClass: Readonly<Record<string, number>>;
}

/**
 * Closes the sessions that a killed agent left open: what is half written of a last line is cut off, and session.json
 * made of what is there. Those of agents that run are left alone, and the worker's, which are for the worker to close.
 * It may itself be killed at any point, and done again.
 * @returns them, the oldest first
 * @throws what the system says, where the folder can't be read
 */
export async function recoverSessions(dir: string, options: RecoveryOptions): Promise<RecoveredSession[]> {
  const recovered: RecoveredSession[] = [];
  const entries = await readdir(dir, { withFileTypes: true });
  for (const { name } of entries.filter((entry) => entry.isDirectory()).sort(byName)) {
    try {
      const born = await birth(dir, name, options);
      const session = born === undefined ? undefined : await recover(join(dir, born), born, options);
      if (session !== undefined) recovered.push(session);
    } catch (error) {
      options.onNote(`session ${name} can't be recovered (${systemCode(error) ?? String(error)})`);
    }
  }
  return recovered;
}

/** The id of a session's folder; one that was just being made is made, or taken away where nothing is in it. */
async function birth(
  dir: string,
  name: string,
  { files, isAlive }: RecoveryOptions,
): Promise<string | undefined> {
  const unborn = unbornOf(name);
  const sessionId = unborn?.sessionId ?? name;
  if (!isSessionId(sessionId)) return undefined;
  if (unborn === undefined) return sessionId;
  if (await isAlive(unborn.owner)) return undefined;
  const folder = join(dir, name);
  if ((await readOpenHeader(folder, sessionId)).by !== null) {
    await files.remove(join(folder, OPEN + TEMPORARY));
    await files.rename(folder, join(dir, sessionId));
    await files.syncFolder(dir);
    return sessionId;
  }
  for (const file of [OPEN + TEMPORARY, OPEN]) await files.remove(join(folder, file));
  await files.removeFolder(folder);
  return undefined;
}

async function recover(
  folder: string,
  sessionId: string,
  options: RecoveryOptions,
): Promise<RecoveredSession | undefined> {
  const { files, isAlive } = options;
  // Of thousands that are closed no more is looked at.
  if (!(await isMarked(folder))) return undefined;
  const there = new Set(await readdir(folder));
  const { by, header } = await readOpenHeader(folder, sessionId);
  // Another agent has recovered it since.
  if (by === null && !(await isMarked(folder))) return undefined;
  if (by === "worker" || (header.owner !== null && (await isAlive(header.owner)))) return undefined;
  for (const name of SESSION_FILES) {
    if (name.endsWith(TEMPORARY) && there.has(name)) await files.remove(join(folder, name));
  }
  // Killed before it could take that away.
  if (there.has(CLOSED)) {
    if (!(await unmark(files, folder))) return undefined;
    const closed = await readSession(dirname(folder), sessionId, { isAlive });
    // By a start that was killed before it could tell of it, or that finds that we were faster. The end of any other
    // was told by the agent that had it open.
    return closed?.reason === "recovered" ? recoveredOf(header, closed) : undefined;
  }
  const path = join(folder, DETECTIONS);
  const summary = new SessionSummary();
  if (there.has(DETECTIONS) && !(await lstat(path)).isFile()) throw new Error(`${DETECTIONS} is no file`);
  const { wholeBytes, damaged, lastMs } = there.has(DETECTIONS)
    ? await readRecords(path, summary)
    : // Killed before it was made.
      { wholeBytes: 0, damaged: 0, lastMs: undefined };
  const lines = await LineFile.open(files, path);
  try {
    if ((await stat(path)).size > wholeBytes) await lines.cut(wholeBytes);
    await lines.sync();
  } finally {
    await lines.close();
  }
  const ending = {
    endWallMs: lastMs ?? Number.NEGATIVE_INFINITY,
    reason: "recovered",
    hasPoster: there.has(POSTER),
    notRecorded: null,
    damaged,
  } as const;
  const figures = summary.figures();
  // Of two agents that start at once, the other may have recovered it meanwhile.
  if (!(await closeSession(files, folder, header, ending, figures))) return undefined;
  return recoveredOf(header, {
    endMs: endMsOf(header, ending.endWallMs),
    results: figures.frames.results,
    byClass: figures.detections.by_class,
  });
}

function recoveredOf(
  header: SessionHeader,
  { endMs, results, byClass }: Pick<StoredSession, "endMs" | "results" | "byClass">,
): RecoveredSession {
  const startWallMs = Date.parse(header.start);
  return {
    ...{ sessionId: header.session_id, camera: header.camera, modelId: header.model_id ?? "" },
    ...{ startWallMs, endWallMs: endMs ?? startWallMs, results, byClass },
  };
}

async function isMarked(folder: string): Promise<boolean> {
  return (await lstat(join(folder, OPEN)).catch(() => undefined))?.isFile() === true;
}

/** Adds up the records; bytes of whole lines, lines among them that are no records, and the time of the last. */
async function readRecords(path: string, summary: SessionSummary) {
  let wholeBytes = 0;
  let damaged = 0;
  let lastMs: number | undefined;
  for await (const { text, bytes } of linesOf(createReadStream(path))) {
    wholeBytes += bytes;
    const record = parseLine(text);
    if (!summary.addRecord(record)) damaged++;
    const ms = Date.parse(String((record as { time?: unknown } | undefined)?.time));
    if (Number.isFinite(ms)) lastMs = ms;
  }
  return { wholeBytes, damaged, lastMs };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}
