import { printable } from "../core/printable.js";
import type { StoredSession } from "../sinks/sessions/stored-session.js";
import { shortId } from "../sinks/sessions/stored-sessions.js";
import { fit, listWithin } from "./columns.js";
import { timeSpan, utcTime } from "./sizes.js";

export interface SessionsTableOptions {
  /** Columns to stay within, ids cut to so many digits; undefined = whole ids and lines as long as they are. */
  readonly width?: number | undefined;
  readonly idDigits: number;
}

const HEAD = ["id", "camera", "start (UTC)", "length", "reason", "frames", "classes"] as const;
const RIGHT: ReadonlySet<number> = new Set([3, 5]);
const GAP = "  ";
/** Longest camera that is shown whole where there is no room for more. */
const CAMERA_COLUMNS = 14;
const LEAST_CLASS_COLUMNS = 7;

/** Sessions as lines that stand below each other, without colour. */
export function sessionsTable(
  sessions: readonly StoredSession[],
  { width, idDigits }: SessionsTableOptions,
): string {
  const rows = sessions.map((session) => cellsOf(session, width === undefined ? undefined : idDigits));
  const widths = HEAD.map((title, i) => Math.max(title.length, ...rows.map((row) => lengthOf(row[i]))));
  // The widest camera gives way, and then the list of classes, which says how many it leaves out.
  if (width !== undefined) widths[1] = Math.min(widths[1] ?? 0, CAMERA_COLUMNS);
  const left = widths.slice(0, -1).reduce((sum, columns) => sum + columns + GAP.length, 0);
  const classColumns =
    width === undefined ? Number.POSITIVE_INFINITY : Math.max(LEAST_CLASS_COLUMNS, width - left);
  const line = (cells: readonly string[]) => {
    const shown = cells.map((cell, i) => {
      if (i === HEAD.length - 1) return cell;
      const columns = widths[i] ?? 0;
      const cut = fit(cell, columns);
      return RIGHT.has(i) ? cut.padStart(columns) : cut.padEnd(columns);
    });
    return shown.join(GAP).trimEnd();
  };
  const body = sessions.map((session, i) =>
    line([...(rows[i] ?? []), session.problem ?? listWithin(classesOf(session), classColumns)]),
  );
  const lines = [line(HEAD), ...body];
  return lines.map((text) => (width === undefined ? text : fit(text, width))).join("\n");
}

function lengthOf(cell: string | undefined): number {
  return cell?.length ?? 0;
}

function cellsOf(session: StoredSession, idDigits: number | undefined): string[] {
  const { id, camera, startMs, endMs, reason, state, results, errors } = session;
  const isKnown = state !== "damaged";
  return [
    idDigits === undefined ? id : shortId(id, idDigits),
    printable(camera) || "–",
    utcTime(startMs),
    endMs === null ? "–" : timeSpan(endMs - startMs),
    printable(state === "closed" ? (reason ?? state) : state),
    isKnown ? String(results + errors) : "–",
  ];
}

/** The most frequent first. */
function classesOf({ byClass }: StoredSession): string[] {
  const classes = Object.entries(byClass).sort(([, a], [, b]) => b - a);
  return classes.map(([name, n]) => `${printable(name)} ${n}`);
}
