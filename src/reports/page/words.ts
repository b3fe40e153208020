/** Figures for people, "–" for what there is none of. */
export const NONE = "\u2013";

export function fixed(value: number | null | undefined, digits: number): string {
  return value === null || value === undefined || !Number.isFinite(value) ? NONE : value.toFixed(digits);
}

/** "61.2 ms" */
export function milliseconds(value: number | null | undefined): string {
  const text = fixed(value, 1);
  return text === NONE ? NONE : `${text} ms`;
}

/** "latest_wins" as it is said. */
export function spoken(name: string): string {
  return name.replaceAll("_", " ");
}
