import { constants } from "node:fs";
import { copyFile, lstat, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { AiwError } from "../../core/errors.js";
import { outputFailed } from "../output-failed.js";
import { OPEN, SESSION_FILES } from "./session-file.js";
import { TEMPORARY } from "./files.js";
import { parseLine, recordLines, type StoredSession } from "./stored-session.js";

export const EXPORT_FORMATS = ["ndjson", "csv", "folder"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

const CSV_HEAD = "session,camera,time,source,seq,width,height,class,class_id,confidence,x,y,w,h,track_id";

type Fields = Readonly<Record<string, unknown>>;

/**
 * Detections of sessions: the records as they are with the session before them, or a row of CSV a detection (RFC
 * 4180; boxes in pixels of the camera's own frame).
 */
export async function* exportedLines(
  session: StoredSession,
  format: "ndjson" | "csv",
): AsyncGenerator<string> {
  for await (const { text } of recordLines(session.folder)) {
    const record = parseLine(text);
    if (typeof record !== "object" || record === null) continue;
    if (format === "ndjson") yield `${JSON.stringify({ session: session.id, ...record })}\n`;
    else yield* rowsOf(session, record as Fields);
  }
}

export function exportHead(format: "ndjson" | "csv"): string {
  return format === "csv" ? `${CSV_HEAD}\r\n` : "";
}

function* rowsOf({ id, camera }: StoredSession, record: Fields): Generator<string> {
  const { time, source, seq, width, height, detections } = record;
  if (!Array.isArray(detections)) return;
  for (const detection of detections as Fields[]) {
    const { x, y, w, h } = (detection.box ?? {}) as Fields;
    const { class: name, class_id: classId, confidence, track_id: track } = detection;
    const row = [id, camera, time, source, seq, width, height, name, classId, confidence, x, y, w, h, track];
    yield `${row.map(cell).join(",")}\r\n`;
  }
}

/** Quoted where it must be. A text that a spreadsheet would take for a formula has an apostrophe before it. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/**
 * Copies a session's folder into another, whole or not at all; of one that is open what is there so far. Links are
 * not followed, and what is not of a session stays behind.
 * @returns how many files
 * @throws OUTPUT_FAILED, also where it is there already
 */
export async function copySession({ id, folder }: StoredSession, target: string): Promise<number> {
  const to = join(target, id);
  const part = join(target, `.${id}.${process.pid}.part`);
  let count = 0;
  try {
    await mkdir(target, { recursive: true });
    if ((await lstat(to).catch(() => undefined)) !== undefined) {
      throw new AiwError("OUTPUT_FAILED", `${to} is there already`);
    }
    await mkdir(part);
    for (const name of await readdir(folder)) {
      const isOurs = SESSION_FILES.includes(name) && !name.endsWith(TEMPORARY) && name !== OPEN;
      if (!isOurs || !(await lstat(join(folder, name))).isFile()) continue;
      await copyFile(join(folder, name), join(part, name), constants.COPYFILE_EXCL);
      count++;
    }
    await rename(part, to);
    return count;
  } catch (error) {
    await rm(part, { recursive: true, force: true }).catch(() => {});
    throw error instanceof AiwError ? error : outputFailed(to, error);
  }
}
