import { createReadStream } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { systemCode } from "../../core/errors.js";
import { linesOf } from "./lines-of.js";
import { type OpenHeader, readOpenHeader } from "./open-header.js";
import type { Presence } from "./presence.js";
import { readJson } from "./read-json.js";
import { CLOSED, DETECTIONS, OPEN, POSTER, SESSION_SCHEMA } from "./session-file.js";
import { timeOfId } from "./session-id.js";
import { SessionSummary } from "./session-summary.js";

const time = z.string().refine((text) => Number.isFinite(Date.parse(text)), "is no time");
const count = z.number().int().nonnegative();
const figures = z.looseObject({ count });
/** As the worker writes it, and as the agent does, which says more. */
const closedRecord = z.looseObject({
  schema: z.literal(SESSION_SCHEMA),
  session_id: z.string(),
  camera: z.string().optional(),
  client_id: z.string().optional(),
  start: time,
  end: time,
  reason: z.string(),
  model_id: z.string().nullish(),
  frames: z.looseObject({ results: count, errors: count, not_recorded: count.optional() }),
  detections: z.looseObject({ total: count, by_class: z.record(z.string(), count) }),
  latency_ms: z.record(z.string(), figures).optional(),
});

/**
 * "open": it is being recorded; "unfinished": its agent was killed, and the next start closes it; "damaged": its
 * session.json can't be read.
 */
export type SessionState = "closed" | "open" | "unfinished" | "damaged";

/** One session as it lies on disk, the worker's or the agent's. */
export interface StoredSession {
  readonly id: string;
  readonly folder: string;
  readonly state: SessionState;
  /** Of the worker's sessions the client; "" where nothing says so. */
  readonly camera: string;
  readonly startMs: number;
  /** Null while it is not closed. */
  readonly endMs: number | null;
  readonly reason: string | null;
  readonly results: number;
  readonly errors: number;
  readonly byClass: Readonly<Record<string, number>>;
  /** What is wrong with a damaged one. */
  readonly problem: string | null;
  /** All that session.json says; of one that is not closed the same fields as far as they are known. */
  readonly record: Readonly<Record<string, unknown>>;
}

/**
 * Reads a session. One that is not closed has its records added up, as far as they are there.
 * @returns undefined where its folder is gone, or holds nothing of a session
 * @throws what the system says, where the folder can't be read
 */
export async function readSession(
  dir: string,
  id: string,
  presence: Pick<Presence, "isAlive">,
): Promise<StoredSession | undefined> {
  const folder = join(dir, id);
  const names: readonly string[] = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  });
  const marked = names.includes(OPEN) ? await markOf(folder, id) : undefined;
  if (typeof marked === "string") return damaged(folder, id, marked);
  if (names.includes(CLOSED)) return readClosed(folder, id, marked, presence);
  if (marked !== undefined) return readOpen(folder, id, names, marked, presence);
  return names.includes(DETECTIONS) ? damaged(folder, id, `${CLOSED} is missing`) : undefined;
}

async function readClosed(
  folder: string,
  id: string,
  marked: OpenHeader | undefined,
  presence: Pick<Presence, "isAlive">,
): Promise<StoredSession> {
  const json = await readJson(join(folder, CLOSED));
  if ("problem" in json) return damaged(folder, id, `${CLOSED} ${json.problem}`);
  const parsed = closedRecord.safeParse(json.value);
  if (!parsed.success) return damaged(folder, id, `${CLOSED} ${issueOf(parsed.error)}`);
  const it = parsed.data;
  if (it.session_id !== id) return damaged(folder, id, `${CLOSED} is of session ${it.session_id}`);
  return {
    ...{ id, folder, problem: null },
    // Between the one file and the other it is its agent's still.
    state: marked === undefined ? "closed" : await stateOfMarked(marked, presence),
    camera: it.camera ?? it.client_id ?? "",
    startMs: Date.parse(it.start),
    endMs: Date.parse(it.end),
    reason: it.reason,
    results: it.frames.results,
    errors: it.frames.errors,
    byClass: it.detections.by_class,
    record: it,
  };
}

async function readOpen(
  folder: string,
  id: string,
  names: readonly string[],
  marked: OpenHeader,
  presence: Pick<Presence, "isAlive">,
): Promise<StoredSession> {
  const { camera, start, model_id } = marked.header;
  const summary = new SessionSummary();
  for await (const { text } of recordLines(folder)) summary.addRecord(parseLine(text));
  const { frames, detections, latency_ms } = summary.figures();
  return {
    ...{ id, folder, endMs: null, reason: null, problem: null },
    state: await stateOfMarked(marked, presence),
    camera,
    startMs: Date.parse(start),
    results: frames.results,
    errors: frames.errors,
    byClass: detections.by_class,
    record: {
      schema: SESSION_SCHEMA,
      session_id: id,
      ...{ camera, start, end: null, reason: null, model_id },
      ...{ frames, detections, latency_ms, poster: names.includes(POSTER) ? POSTER : null },
    },
  };
}

/** What open.json says, or why it can't be read. */
async function markOf(folder: string, id: string): Promise<OpenHeader | string> {
  try {
    return await readOpenHeader(folder, id);
  } catch (error) {
    return `${OPEN} can't be read (${systemCode(error) ?? String(error)})`;
  }
}

/** Whether the worker runs that has one open can't be seen from here. */
async function stateOfMarked(
  { by, header: { owner } }: OpenHeader,
  { isAlive }: Pick<Presence, "isAlive">,
): Promise<"open" | "unfinished"> {
  return by === "worker" || (owner !== null && (await isAlive(owner))) ? "open" : "unfinished";
}

function damaged(folder: string, id: string, problem: string): StoredSession {
  return {
    ...{
      id,
      folder,
      problem,
      state: "damaged",
      camera: "",
      startMs: timeOfId(id),
      endMs: null,
      reason: null,
    },
    ...{ results: 0, errors: 0, byClass: {}, record: { session_id: id } },
  };
}

/** The records of a session, as far as they are whole; none where there is no such file. @throws what the system says */
export async function* recordLines(folder: string): AsyncGenerator<{ readonly text: string }> {
  const path = join(folder, DETECTIONS);
  // A link may lead anywhere, and a pipe nowhere.
  const found = await lstat(path).catch(() => undefined);
  if (found?.isFile() === true) yield* linesOf(createReadStream(path));
}

/** A line's record; undefined where it is none. */
export function parseLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function issueOf({ issues }: z.ZodError): string {
  const [issue] = issues;
  return issue === undefined ? "is no record" : `has a wrong ${issue.path.join(".") || "form"}`;
}
