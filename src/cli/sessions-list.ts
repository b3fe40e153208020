import * as v from "../config/values.js";
import { ExitCode } from "../core/errors.js";
import { sessionsTable } from "../reports/sessions-table.js";
import { readSessions, shownDigits } from "../sinks/sessions/stored-sessions.js";
import type { StoredSession } from "../sinks/sessions/stored-session.js";
import { isReaderGone, StdoutWriter } from "../sinks/stdout.js";
import type { CommandContext } from "./command-context.js";
import type { Flag, ParsedFlags } from "./flags.js";
import { flagOf, sessionFilter, sessionsPlace } from "./sessions-place.js";

const SCHEMA = "aiw.sessions/1";
/** More than these nobody reads in a table. */
const DEFAULT_ROWS = 50;

/** `aiw sessions list`: what was recorded, the newest first, on stdout. @throws USAGE, SESSIONS_UNREADABLE */
export async function execute(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  context: CommandContext,
): Promise<number> {
  const isJson = parsed.json === true;
  const filter = sessionFilter(parsed);
  const limit =
    flagOf(parsed, "limit", "--limit", v.positiveInteger) ??
    (isJson ? Number.POSITIVE_INFINITY : DEFAULT_ROWS);
  const { dir, ids } = await sessionsPlace(flags, parsed, context);
  const sessions = readSessions(dir, ids, filter);
  const stdout = new StdoutWriter();
  try {
    if (isJson) await writeJson(stdout, dir, sessions, limit, context.interrupt);
    else await writeTable(stdout, ids, sessions, limit, context);
    await stdout.flush();
  } catch (error) {
    // Whoever pipes it into `head` has seen enough.
    if (!isReaderGone(error)) throw error;
  }
  return ExitCode.ok;
}

/** One document, written as it is read: of ten thousand sessions none is kept. */
async function writeJson(
  stdout: StdoutWriter,
  dir: string,
  sessions: AsyncIterable<StoredSession>,
  limit: number,
  interrupt: AbortSignal,
): Promise<void> {
  stdout.write(`{"schema":${JSON.stringify(SCHEMA)},"dir":${JSON.stringify(dir)},"sessions":[`);
  let count = 0;
  for await (const { state, problem, record } of sessions) {
    interrupt.throwIfAborted();
    if (count >= limit) break;
    const found = problem === null ? { state, ...record } : { state, problem, ...record };
    stdout.write(`${count++ === 0 ? "" : ","}\n${JSON.stringify(found)}`);
    await stdout.caughtUp();
  }
  stdout.write("\n]}\n");
}

async function writeTable(
  stdout: StdoutWriter,
  ids: readonly string[],
  sessions: AsyncIterable<StoredSession>,
  limit: number,
  { interrupt, progress }: CommandContext,
): Promise<void> {
  const shown: StoredSession[] = [];
  let hasMore = false;
  for await (const session of sessions) {
    interrupt.throwIfAborted();
    hasMore = shown.length >= limit;
    if (hasMore) break;
    shown.push(session);
  }
  if (shown.length > 0) {
    const { isTTY, columns } = process.stdout;
    const width = isTTY && columns > 0 ? columns : undefined;
    stdout.write(`${sessionsTable(shown, { width, idDigits: shownDigits(ids) })}\n`);
  } else if (ids.length > 0) progress.note("aiw: none of the sessions fits");
  if (hasMore) progress.note(`aiw: the newest ${limit}; more with --limit, all with --json`);
}
