import { createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { extname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as v from "../config/values.js";
import { AiwError, ExitCode } from "../core/errors.js";
import { plural } from "../core/plural.js";
import { outputFailed } from "../sinks/output-failed.js";
import {
  copySession,
  EXPORT_FORMATS,
  exportedLines,
  type ExportFormat,
  exportHead,
} from "../sinks/sessions/export.js";
import type { StoredSession } from "../sinks/sessions/stored-session.js";
import { findSession, readSessions } from "../sinks/sessions/stored-sessions.js";
import { isReaderGone, StdoutWriter } from "../sinks/stdout.js";
import { checkWritable } from "../sinks/whole-file.js";
import type { CommandContext } from "./command-context.js";
import type { Flag, ParsedFlags } from "./flags.js";
import { flagOf, sessionFilter, sessionsPlace } from "./sessions-place.js";

const FORMAT_OF: Readonly<Record<string, ExportFormat>> = {
  ".csv": "csv",
  ".ndjson": "ndjson",
  ".jsonl": "ndjson",
};

/** Lines and files that were written, and sessions that they are of. */
interface Written {
  sessions: number;
  count: number;
}

/**
 * `aiw sessions export ID… --out FILE|DIR|-`: the detections of sessions in one file, or their folders.
 * @throws USAGE, SESSION_NOT_FOUND, SESSIONS_UNREADABLE, OUTPUT_FAILED, INTERRUPTED
 */
export async function execute(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  context: CommandContext,
  given: readonly string[],
): Promise<number> {
  const { interrupt, progress } = context;
  const filter = sessionFilter(parsed);
  const isChosen = given.length > 0 || Object.values(filter).some((value) => value !== undefined);
  if (!isChosen && parsed.all !== true) {
    throw new AiwError("USAGE", "name sessions, choose them with --since, --camera or --class, or add --all");
  }
  if (isChosen && parsed.all === true) {
    throw new AiwError(
      "USAGE",
      "--all is all of them: leave it out, or the sessions and what chooses among them",
    );
  }
  const out = flagOf(parsed, "out", "--out", v.nonEmpty) ?? "-";
  const format =
    flagOf(parsed, "format", "--format", v.oneOf(EXPORT_FORMATS)) ??
    (out === "-" ? "ndjson" : (FORMAT_OF[extname(out).toLowerCase()] ?? "folder"));
  if (out === "-" && format === "folder") throw new AiwError("USAGE", "--format folder needs --out DIR");
  if (format !== "folder") checkWritable(out);
  const { dir, ids } = await sessionsPlace(flags, parsed, context);
  const wanted = given.length === 0 ? ids : [...new Set(given.map((one) => findSession(ids, one)))];
  // Oldest first: the order in which things happened.
  const sessions = readSessions(dir, wanted.toSorted(), filter);
  const written: Written = { sessions: 0, count: 0 };
  if (format === "folder") await exportFolders(sessions, out, written, interrupt);
  else if (out === "-") await exportToStdout(sessions, format, written, interrupt);
  else await exportFile(sessions, format, out, written, interrupt);
  const noun = { folder: "file", csv: "detection", ndjson: "record" }[format];
  progress.note(
    `aiw: ${plural(written.count, noun)} of ${plural(written.sessions, "session")} to ${out === "-" ? "stdout" : out}`,
  );
  return ExitCode.ok;
}

async function exportFolders(
  sessions: AsyncIterable<StoredSession>,
  out: string,
  written: Written,
  interrupt: AbortSignal,
): Promise<void> {
  for await (const session of sessions) {
    interrupt.throwIfAborted();
    written.count += await copySession(session, out);
    written.sessions++;
  }
}

async function* linesOf(
  sessions: AsyncIterable<StoredSession>,
  format: "ndjson" | "csv",
  written: Written,
): AsyncGenerator<string> {
  const head = exportHead(format);
  if (head !== "") yield head;
  for await (const session of sessions) {
    written.sessions++;
    for await (const line of exportedLines(session, format)) {
      written.count++;
      yield line;
    }
  }
}

async function exportToStdout(
  sessions: AsyncIterable<StoredSession>,
  format: "ndjson" | "csv",
  written: Written,
  interrupt: AbortSignal,
): Promise<void> {
  const stdout = new StdoutWriter();
  try {
    for await (const line of linesOf(sessions, format, written)) {
      interrupt.throwIfAborted();
      stdout.write(line);
      await stdout.caughtUp();
    }
    await stdout.flush();
  } catch (error) {
    if (!isReaderGone(error)) throw error;
  }
}

/** Whole or not at all, however long it is. What is no ordinary file (a pipe) is written as it is. */
async function exportFile(
  sessions: AsyncIterable<StoredSession>,
  format: "ndjson" | "csv",
  out: string,
  written: Written,
  interrupt: AbortSignal,
): Promise<void> {
  const there = await stat(out).catch(() => undefined);
  const part = there?.isFile() === false ? out : `${out}.${process.pid}.part`;
  try {
    const lines = Readable.from(linesOf(sessions, format, written));
    await pipeline(lines, createWriteStream(part), { signal: interrupt });
    if (part !== out) await rename(part, out);
  } catch (error) {
    if (part !== out) await rm(part, { force: true }).catch(() => {});
    if (interrupt.aborted) throw interrupt.reason;
    throw error instanceof AiwError ? error : outputFailed(out, error);
  }
}
