/** A check as the table shows it; doctor's own type has this shape. */
export interface CheckRow {
  readonly title: string;
  readonly status: "ok" | "warning" | "failure";
  readonly detail: string;
  readonly advice?: string;
}

export interface TableOptions {
  readonly color: boolean;
  /** Columns to stay within; undefined = lines are as long as they are. */
  readonly width?: number | undefined;
}

const MARKS = { ok: "✔", warning: "!", failure: "✖" } as const;
const COLORS = { ok: 32, warning: 33, failure: 31 } as const;
/** "✖ failure", and two spaces. */
const STATUS_WIDTH = 11;
const LONGEST_TITLE = 22;
/** With less than this beside the titles, folding makes it worse. */
const LEAST_TEXT_WIDTH = 30;

/** Checks as lines for people, with how to mend what is not ok, and a closing line of counts. */
export function doctorTable(checks: readonly CheckRow[], { color, width }: TableOptions): string {
  const titleWidth = Math.min(LONGEST_TITLE, Math.max(...checks.map(({ title }) => title.length), 0)) + 2;
  const indent = " ".repeat(STATUS_WIDTH + titleWidth);
  const textWidth = width === undefined ? undefined : Math.max(LEAST_TEXT_WIDTH, width - indent.length);
  const lines = checks.flatMap(({ title, status, detail, advice }) => {
    const label = `${MARKS[status]} ${status}`.padEnd(STATUS_WIDTH);
    const head = `${color ? `\u001b[${COLORS[status]}m${label}\u001b[39m` : label}${title.padEnd(titleWidth)}`;
    const [first = "", ...more] = fold(detail, textWidth);
    // A title that is too long for its column pushes the text away from it.
    const lines = [
      `${head}${title.length >= titleWidth ? " " : ""}${first}`,
      ...more.map((line) => indent + line),
    ];
    if (advice) lines.push(...fold(`→ ${advice}`, textWidth).map((line) => indent + line));
    return lines;
  });
  return [...lines, "", counts(checks)].join("\n");
}

function counts(checks: readonly CheckRow[]): string {
  const count = (status: CheckRow["status"]) => checks.filter((check) => check.status === status).length;
  const [warnings, failures] = [count("warning"), count("failure")];
  return `${count("ok")} ok, ${warnings} warning${warnings === 1 ? "" : "s"}, ${failures} failure${failures === 1 ? "" : "s"}`;
}

/** Lines of at most `width`, cut between words; a longer word (a path to copy) stays whole. */
function fold(text: string, width: number | undefined): string[] {
  if (width === undefined) return [text];
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
