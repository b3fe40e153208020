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
