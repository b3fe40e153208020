import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "../aiw.js";

const REASONS = ["end", "disconnected", "replaced", "stopped", "recovered"];

/** Folders of sessions in which something was written and that are not closed. */
export function openSessions(root: string): string[] {
  return folders(root).filter(
    (name) => existsSync(join(root, name, "open.json")) || !existsSync(join(root, name, "session.json")),
  );
}

/**
 * Reads every session that is closed, and checks it: whole lines, each a record, as many as session.json counts.
 * @returns how many there are of each reason
 * @throws naming the session and what is wrong in it
 */
export function checkSessions(root: string): Map<string, number> {
  const reasons = new Map<string, number>();
  for (const name of folders(root)) {
    try {
      const reason = checkSession(join(root, name), name);
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    } catch (error) {
      throw new Error(`session ${name}: ${String(error)}`, { cause: error });
    }
  }
  return reasons;
}

/** A worker that is killed at the right moment leaves a folder with nothing in it, which is no session yet. */
function folders(root: string): string[] {
  return readdirSync(root).filter((name) => readdirSync(join(root, name)).length > 0);
}

function checkSession(folder: string, name: string): string {
  const session: Json = JSON.parse(readFileSync(join(folder, "session.json"), "utf8"));
  const text = readFileSync(join(folder, "detections.ndjson"), "utf8");
  if (text !== "" && !text.endsWith("\n")) throw new Error("its last line is not whole");
  const records: Json[] = text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
  const failed = records.filter(({ error }) => error !== undefined);
  const found = records.flatMap(({ detections = [] }) => detections);
  same("schema", session.schema, "aiw.session/1");
  same("session_id", session.session_id, name);
  same("known reason", REASONS.includes(session.reason), true);
  same("end not before start", session.end >= session.start, true);
  same("results", session.frames.results, records.length - failed.length);
  same("errors", session.frames.errors, failed.length);
  same("damaged lines", session.frames.damaged ?? 0, 0);
  same("detections", session.detections.total, found.length);
  same("latencies", session.latency_ms.worker.count, session.frames.results);
  same("files", readdirSync(folder).sort().join(), "detections.ndjson,session.json");
  return session.reason;
}

function same<T>(what: string, found: T, wanted: T): void {
  if (found !== wanted) throw new Error(`${what}: ${String(found)}, not ${String(wanted)}`);
}
