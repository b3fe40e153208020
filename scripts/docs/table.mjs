/** A Markdown table; a bar in a cell would end it. */
export function table(head, rows) {
  const line = (cells) =>
    `| ${cells.map((cell) => cell.replace(/\s+/g, " ").replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

export const code = (text) => `\`${text}\``;
