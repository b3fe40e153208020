import type { JudgedGate } from "../../bench/report-schema.js";
import { listWithin } from "../columns.js";
import type { Axis, Tick } from "./axis.js";
import { SPAN } from "./axis.js";
import { coloured, type SeriesName } from "./colours.js";
import { markup, type Markup, NOTHING } from "./markup.js";

/** How a series is drawn; two in one chart differ in this as well as in colour. */
export type Stroke = "solid" | "dashed" | "dotted" | "dots" | "area";

export interface Key {
  readonly series: SeriesName;
  readonly stroke: Stroke;
  readonly label: string;
}

/** A level that a gate asks for. */
export interface Level {
  readonly text: string;
  readonly value: number;
  /** "open" where it is judged more than once. */
  readonly verdict: JudgedGate["verdict"] | "open";
}

export interface Chart {
  readonly title: string;
  /** What it shows, in words, for those who do not see it. */
  readonly summary: string;
  /** CSS pixels of the plot, whatever its width. */
  readonly height: number;
  readonly x: Axis;
  readonly y: Axis;
  readonly keys: readonly Key[];
  /** Drawn in 0..SPAN both ways and stretched to the plot. */
  readonly layers: readonly Markup[];
  /** Drawn above them in percent of the plot, so not stretched. */
  readonly marks?: readonly Markup[];
  readonly levels?: readonly Level[];
  readonly note?: string;
}

/** A part of the plot's width, 0..SPAN, and what is to be said of it. */
export interface Column {
  readonly from: number;
  readonly to: number;
  readonly lines: readonly string[];
}

/** Labels nearer than this to each other become one. CSS pixels, as is what follows. */
const LABEL_HEIGHT = 14;
const LABEL_COLUMNS = 42;

/**
 * A figure with axes. Only its curves are stretched to the width there is, without their strokes; texts and
 * marks keep their size, so that the same drawing is readable on a phone and in print, without a script.
 */
export function chart({ title, summary, height, x, y, keys, layers, note, ...more }: Chart): Markup {
  const { marks = [], levels = [] } = more;
  return markup`<figure>
<figcaption><strong>${title}</strong>${note === undefined ? NOTHING : markup`<p class="note">${note}</p>`}</figcaption>
${legend(keys)}<p class="unit">${y.title}</p>
<div class="plot"><svg role="img" aria-label="${summary}" width="100%" height="${height}" overflow="visible" font-size="12">
${y.ticks.map(levelTick)}${x.ticks.map(upright)}
<svg viewBox="0 0 ${SPAN} ${SPAN}" preserveAspectRatio="none" width="100%" height="100%">
${layers.map((layer) => markup`${layer}\n`)}</svg>
${marks}${levelMarks(levels, y, height)}</svg></div>
<p class="unit across">${x.title}</p>
</figure>
`;
}

function levelTick({ at, label }: Tick): Markup {
  const y = percent(at);
  return markup`<line class="grid" x2="100%" y1="${y}" y2="${y}" stroke="#ddd"/><text x="-7" y="${y}" dy=".32em" text-anchor="end">${label}</text>`;
}

function upright({ at, label, isSpare }: Tick): Markup {
  const kind = isSpare ? "spare" : "";
  return markup`<text class="${kind}" x="${percent(at)}" y="100%" dy="18" text-anchor="middle">${label}</text>`;
}

/** Dashed lines with the names of their gates; those of neighbours stand together above the upper one. */
function levelMarks(levels: readonly Level[], axis: Axis, height: number): Markup[] {
  const placed = levels
    .map((one) => ({ ...one, y: axis.at(one.value), isAbove: one.value > axis.domain[1] }))
    .sort((a, b) => a.y - b.y);
  const groups: (typeof placed)[] = [];
  for (const one of placed) {
    const last = groups.at(-1);
    const isNear = last?.[0] !== undefined && ((one.y - last[0].y) / SPAN) * height < LABEL_HEIGHT;
    if (isNear) last.push(one);
    else groups.push([one]);
  }
  const lines = placed.map(({ y, verdict, isAbove }) =>
    isAbove
      ? NOTHING
      : markup`<line class="level ${verdict}" x2="100%" y1="${percent(y)}" y2="${percent(y)}" stroke="currentColor" stroke-dasharray="7 4"/>`,
  );
  const labels = groups.map((group) => {
    const [first] = group;
    const texts = group.map(({ text, isAbove }) => (isAbove ? `\u2191 ${text}` : text));
    const worst = group.find(({ verdict }) => verdict !== "pass") ?? first;
    return markup`<text class="${worst?.verdict ?? ""} halo" x="100%" y="${percent(first?.y ?? 0)}" dy="-4" text-anchor="end">${listWithin(texts, LABEL_COLUMNS)}</text>`;
  });
  return [...lines, ...labels];
}

function legend(keys: readonly Key[]): Markup {
  const entries = keys.map(
    ({ series, stroke, label }) => markup`<li>${swatch(series, stroke)} ${label}</li>`,
  );
  return entries.length === 0 ? NOTHING : markup`<ul class="keys">${entries}</ul>\n`;
}

/** What a series looks like, small. */
export function swatch(series: SeriesName, stroke: Stroke): Markup {
  const drawn =
    stroke === "area"
      ? markup`<rect x="5" width="12" height="12" fill="currentColor"/>`
      : markup`<g transform="translate(0 6)">${curve(stroke === "dots" ? "M5 0h0M17 0h0" : "M0 0h22", stroke)}</g>`;
  return markup`<svg ${coloured(series)} width="22" height="12" aria-hidden="true">${drawn}</svg>`;
}

/** A path in the current colour. */
export function curve(path: string, stroke: Stroke): Markup {
  if (stroke === "area") return markup`<path d="${path}" fill="currentColor"/>`;
  return markup`<path d="${path}" fill="none" stroke="currentColor" vector-effect="non-scaling-stroke" stroke-linejoin="round" ${STROKES[stroke]}/>`;
}

// A dot is a line of no length with a round end.
const STROKES: Readonly<Record<Exclude<Stroke, "area">, Markup>> = {
  solid: markup`stroke-width="1.75" stroke-linecap="round"`,
  dashed: markup`stroke-width="1.75" stroke-dasharray="6 3"`,
  dotted: markup`stroke-width="2" stroke-dasharray="2 3"`,
  dots: markup`stroke-width="4" stroke-linecap="round"`,
};

/** A path of dots. */
export function dots(points: readonly (readonly [x: number, y: number])[]): string {
  return points.map(([x, y]) => `M${tenths(x)},${tenths(y)}h0`).join("");
}

export function series(name: SeriesName, ...drawn: readonly Markup[]): Markup {
  return markup`<g ${coloured(name)}>${drawn}</g>`;
}

/** Columns of the plot that show what is in them when they are pointed at. */
export function pointedAt(columns: readonly Column[]): Markup {
  const drawn = columns.map(({ from, to, lines }) => {
    const text = lines.map((line, i) => (i === 0 ? markup`${line}` : markup`\n${line}`));
    return markup`<rect x="${from}" width="${to - from}" height="${SPAN}"><title>${text}</title></rect>`;
  });
  return markup`<g class="hits" fill="none" pointer-events="all">${drawn}</g>`;
}

/** The same for points, whose places go up: the column of each reaches half-way to its neighbours. */
export function pointedAtNearest(
  places: readonly number[],
  linesOf: (index: number) => readonly string[],
): Markup {
  const columns = places.map((at, i) => ({
    from: i === 0 ? 0 : ((places[i - 1] ?? at) + at) / 2,
    to: i === places.length - 1 ? SPAN : (at + (places[i + 1] ?? at)) / 2,
    lines: linesOf(i),
  }));
  return pointedAt(columns);
}

/** A place in a drawing, 0..SPAN, as what it is of the plot's size. */
export function percent(at: number): string {
  return `${tenths(at) / (SPAN / 100)}%`;
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
