import { type Markup, trusted } from "./markup.js";

interface Colour {
  readonly light: string;
  readonly dark: string;
}

/** Grounds, inks and verdicts. Text is at least 4.5:1 on its ground (WCAG AA) in both schemes. */
export const INKS = {
  ground: { light: "#ffffff", dark: "#15181b" },
  ink: { light: "#1a1d20", dark: "#e6e8ea" },
  soft: { light: "#555b61", dark: "#a5acb3" },
  rule: { light: "#c3c8cd", dark: "#454c53" },
  grid: { light: "#e3e6e9", dark: "#2b3036" },
  pass: { light: "#00693c", dark: "#5fd39b" },
  fail: { light: "#b3201b", dark: "#ff8f86" },
  insufficient: { light: "#7a5200", dark: "#eec15f" },
} as const satisfies Record<string, Colour>;

/**
 * What is drawn, at least 3:1 on its ground. Neighbours in a stack differ in lightness as well as in hue, so
 * that neither colour blindness nor a grey print takes the difference away.
 */
export const SERIES = {
  p50: { light: "#0b5fa5", dark: "#5eb0ee" },
  p95: { light: "#c24d00", dark: "#f5a05a" },
  p99: { light: "#6a1b6e", dark: "#d59be6" },
  max: { light: "#6d7379", dark: "#9aa1a8" },
  total: { light: "#1a1d20", dark: "#e6e8ea" },
  wait: { light: "#868c92", dark: "#7d848b" },
  transport: { light: "#b34700", dark: "#f5a05a" },
  queue: { light: "#5b1560", dark: "#a45fc4" },
  preprocess: { light: "#1b9e77", dark: "#86e3c3" },
  inference: { light: "#0b5fa5", dark: "#4ba3e3" },
  postprocess: { light: "#b07d00", dark: "#f1df8c" },
  errors: { light: "#b3201b", dark: "#ff8f86" },
  latest_wins: { light: "#d07a00", dark: "#f0b45c" },
  source_late: { light: "#4b3fa0", dark: "#8f86e8" },
  disconnected: { light: "#1b9e77", dark: "#86e3c3" },
  other: { light: "#6d7379", dark: "#9aa1a8" },
} as const satisfies Record<string, Colour>;

export type SeriesName = keyof typeof SERIES;

/** The series' own colour, or that for what has none. */
export function seriesOf(name: string): SeriesName {
  return Object.hasOwn(SERIES, name) ? (name as SeriesName) : "other";
}

/**
 * Attributes that give an element the series' colour as `currentColor`: by the style, and where a viewer lets
 * no style through (a CI server's), the light one by itself.
 */
export function coloured(name: SeriesName): Markup {
  return trusted(`class="c-${name}" color="${SERIES[name].light}"`);
}

/** The colours as custom properties, for `:root`. */
export function colourProperties(scheme: keyof Colour): string {
  const inks = Object.entries<Colour>(INKS).map(([name, colour]) => `--${name}:${colour[scheme]};`);
  const series = Object.entries<Colour>(SERIES).map(([name, colour]) => `--c-${name}:${colour[scheme]};`);
  return [...inks, ...series].join("");
}

/** The rules that take them. */
export function colourRules(): string {
  const series = Object.keys(SERIES).map((name) => `.c-${name}{color:var(--c-${name})}`);
  const verdicts = ["pass", "fail", "insufficient"].map((name) => `.${name}{color:var(--${name})}`);
  return [...series, ...verdicts].join("\n");
}
