/** A terminal has at least these, and no table is wider. */
export const COLUMNS = 80;

/** Cut where the columns end, with a mark that it is. */
export function fit(line: string, columns = COLUMNS): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}

/** A label of twelve columns and its text, broken at spaces; what follows the first line stands under its text. */
export function wrapped(text: string): string[] {
  const indent = " ".repeat(12);
  const lines: string[] = [];
  let line = text.slice(0, 12);
  for (const word of text.slice(12).split(" ")) {
    if (line.length > 12 && line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = indent;
    }
    line += line.length === 12 ? word : ` ${word}`;
  }
  return [...lines, line];
}

/** As many of the items as there are columns for, in words: "a, b, c" or "a, b and 3 more". */
export function listWithin(items: readonly string[], columns: number): string {
  const all = items.join(", ");
  if (all.length <= columns) return all;
  for (let shown = items.length - 1; shown > 0; shown--) {
    const text = `${items.slice(0, shown).join(", ")} and ${items.length - shown} more`;
    if (text.length <= columns) return text;
  }
  return `${items.length} kinds`;
}
