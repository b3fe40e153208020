/** What GitHub-flavoured Markdown would take for markup, in a text that is meant as it stands. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/[\\`*_{}[\]#|~$@]/g, "\\$&")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/[\r\n]+/g, " ");
}

type Align = "left" | "right";

/**
 * A table of cells that are Markdown already.
 * @param head each column's name and side
 */
export function markdownTable(
  head: readonly (readonly [name: string, align: Align])[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = head.map(([, align]) => (align === "right" ? "---:" : "---"));
  return [line(head.map(([name]) => name)), line(rule), ...rows.map(line)].join("\n");
}
