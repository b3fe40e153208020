import { join } from "node:path";
import type { CloseReason } from "../../results/agent-event.js";
import { type Files, replaceJson, TEMPORARY } from "./files.js";
import type { SummaryFigures } from "./session-summary.js";

/** Of session.json, the worker's as well as the agent's. */
export const SESSION_SCHEMA = "aiw.session/1";
export const DETECTIONS = "detections.ndjson";
/** Is there while the session is open. */
export const OPEN = "open.json";
/** Is there once it is closed. */
export const CLOSED = "session.json";
export const POSTER = "poster.jpg";
/** All that a session's folder may hold; what else is in one is somebody else's. */
export const SESSION_FILES: readonly string[] = [DETECTIONS, OPEN, CLOSED, POSTER].flatMap((name) => [
  name,
  name + TEMPORARY,
]);

/** What is known of a session from its start on: open.json. */
export interface SessionHeader {
  readonly session_id: string;
  /** Name of the camera, credentials masked. Of the worker's sessions it is the client_id alone. */
  readonly camera: string;
  readonly client_id: string;
  readonly start: string;
  /** SHA-256 of the model file, hex; null where nothing says so. */
  readonly model_id: string | null;
  /** The agent that has it open; see presence.ts. */
  readonly owner: string | null;
}

export interface SessionEnding {
  readonly endWallMs: number;
  readonly reason: CloseReason;
  readonly hasPoster: boolean;
  /** Records that were to be written, and are not; null where nothing says so. */
  readonly notRecorded: number | null;
  /** Lines that are no records. */
  readonly damaged?: number;
}

/**
 * Writes session.json, and takes away that the session is open.
 * @returns whether it was open until now
 * @throws what the system says; until both are done it is open still
 */
export async function closeSession(
  files: Files,
  folder: string,
  header: SessionHeader,
  ending: SessionEnding,
  figures: SummaryFigures,
): Promise<boolean> {
  await replaceJson(files, join(folder, CLOSED), closedRecord(header, ending, figures));
  return unmark(files, folder);
}

/** Takes away that a session is open. @returns whether it was @throws what the system says */
export function unmark(files: Files, folder: string): Promise<boolean> {
  return files.remove(join(folder, OPEN));
}

/** When a session ended, whatever the clock did meanwhile; milliseconds since 1970. */
export function endMsOf(header: SessionHeader, endWallMs: number): number {
  return Math.max(Date.parse(header.start), Math.round(endWallMs));
}

function closedRecord(header: SessionHeader, ending: SessionEnding, figures: SummaryFigures): object {
  const { notRecorded, damaged = 0 } = ending;
  const startMs = Date.parse(header.start);
  const endMs = endMsOf(header, ending.endWallMs);
  return {
    schema: SESSION_SCHEMA,
    session_id: header.session_id,
    camera: header.camera,
    client_id: header.client_id,
    start: header.start,
    end: new Date(endMs).toISOString(),
    duration_s: (endMs - startMs) / 1000,
    reason: ending.reason,
    model_id: header.model_id,
    model_ids: header.model_id === null ? [] : [header.model_id],
    frames: {
      ...figures.frames,
      ...(notRecorded === null ? {} : { not_recorded: notRecorded }),
      ...(damaged === 0 ? {} : { damaged }),
    },
    detections: figures.detections,
    latency_ms: figures.latency_ms,
    poster: ending.hasPoster ? POSTER : null,
  };
}
