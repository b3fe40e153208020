import { printable } from "../core/printable.js";
import type { StoredSession } from "../sinks/sessions/stored-session.js";
import { shortId } from "../sinks/sessions/stored-sessions.js";
import { fit } from "./columns.js";
import { timeSpan, utcTime } from "./sizes.js";

export interface SessionsTableOptions {
  /** Columns to stay within, ids cut to so many digits; undefined = everything whole, for who reads a pipe. */
  readonly width?: number | undefined;
  readonly idDigits: number;
}

/** A column of the table: all but the last, which takes what is left. */
interface Column {
  readonly title: string;
  readonly right?: true;
  cell(session: StoredSession): string;
}

const GAP = "  ";
/** Longest camera that is shown whole where there is no room for more. */
const CAMERA_COLUMNS = 10;
/** "2026-" */
const YEAR = 5;
/** Behind these a damaged session has what is wrong with it. */
const KNOWN_OF_DAMAGED = 3;

/** Sessions as lines that stand below each other, without colour. */
export function sessionsTable(sessions: readonly StoredSession[], options: SessionsTableOptions): string {
  const { width } = options;
  const columns = columnsOf(options);
  const rows = sessions.map((session) => columns.map(({ cell }) => cell(session)));
  const widths = columns.map(({ title }, i) => {
    return Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0));
  });
  const line = (cells: readonly string[], last: string) => {
    const padded = cells.map((cell, i) => {
      return columns[i]?.right ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0);
    });
    const text = [...padded, last].join(GAP).trimEnd();
    return width === undefined ? text : fit(text, width);
  };
  const left = widths.reduce((sum, columns) => sum + columns + GAP.length, 0);
  const room = width === undefined ? Number.POSITIVE_INFINITY : width - left;
  const titles = columns.map(({ title }) => title);
  const body = sessions.map((session, i) => {
    const cells = rows[i] ?? [];
    if (session.problem !== null) {
      return line(cells.slice(0, KNOWN_OF_DAMAGED), `damaged: ${printable(session.problem)}`);
    }
    return line(cells, topClasses(session, room));
  });
  return [line(titles, "classes"), ...body].join("\n");
}

function columnsOf({ width, idDigits }: SessionsTableOptions): readonly Column[] {
  const isNarrow = width !== undefined;
  return [
    { title: "id", cell: ({ id }) => (isNarrow ? shortId(id, idDigits) : id) },
    {
      title: "camera",
      cell: ({ camera }) =>
        fit(printable(camera) || "–", isNarrow ? CAMERA_COLUMNS : Number.POSITIVE_INFINITY),
    },
    { title: "start (UTC)", cell: ({ startMs }) => utcTime(startMs).slice(isNarrow ? YEAR : 0) },
    {
      title: "length",
      right: true,
      cell: ({ startMs, endMs }) => (endMs === null ? "–" : timeSpan(endMs - startMs)),
    },
    { title: "reason", cell: reasonOf },
    { title: "frames", right: true, cell: ({ results, errors }) => String(results + errors) },
  ];
}

function reasonOf({ state, reason, problem }: StoredSession): string {
  if (problem !== null) return "";
  return state === "closed" ? printable(reason ?? state).replaceAll("_", " ") : state;
}

/** The most frequent ones that there is room for, and how many more there are. */
function topClasses({ byClass }: StoredSession, room: number): string {
  const classes = Object.entries(byClass)
    .sort(([, a], [, b]) => b - a)
    .map(([name, n]) => `${printable(name)} ${n}`);
  for (let shown = classes.length; shown > 1; shown--) {
    const text = withMore(classes.slice(0, shown), classes.length - shown);
    if (text.length <= room) return text;
  }
  return withMore(classes.slice(0, 1), Math.max(0, classes.length - 1));
}

function withMore(shown: readonly string[], more: number): string {
  return `${shown.join(", ")}${more === 0 ? "" : ` +${more}`}`;
}
