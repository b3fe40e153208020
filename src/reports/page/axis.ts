import { scaleLinear, scaleLog } from "d3-scale";

/** Places in a drawing go from 0 to this, across and down, and are stretched to its size. */
export const SPAN = 1000;

/** What is dwarfed by more than this can no longer be read on an axis from 0. */
const DWARFS = 5;

export interface Tick {
  /** 0..SPAN */
  readonly at: number;
  readonly label: string;
  /** Whether it may go where there is little room. */
  readonly isSpare: boolean;
}

export interface Axis {
  /** What it shows, in what unit, and whether it is logarithmic. */
  readonly title: string;
  /** Where a value lies, 0..SPAN; a value beyond an end lies at that end. */
  readonly at: (value: number) => number;
  readonly ticks: readonly Tick[];
  /** Lowest and highest value. */
  readonly domain: readonly [number, number];
}

/** Seconds from the start, left to right. */
export function timeAxis(endS: number): Axis {
  return across("seconds since the start", 0, endS > 0 ? endS : 1);
}

function across(title: string, low: number, high: number): Axis {
  const scale = scaleLinear().domain([low, high]).range([0, SPAN]).clamp(true);
  return { title, at: scale, ticks: ticksOf(scale.ticks(10), scale), domain: [low, high] };
}

/** Frames a second, left to right: from 0, or in equal ratios where the rates span much. */
export function rateAxis(lowest: number, highest: number): Axis {
  const title = "offered frames a second";
  if (lowest <= 0 || highest <= DWARFS * lowest) return across(title, 0, highest > 0 ? highest * 1.05 : 1);
  const up = inRatios(`${title}, logarithmic`, [lowest / 1.1, highest * 1.1]);
  const at = (value: number) => SPAN - up.at(value);
  return { ...up, at, ticks: up.ticks.map((tick) => ({ ...tick, at: SPAN - tick.at })) };
}

/** From 0 upwards, to a round number. */
export function fromZero(title: string, highest: number, label: (value: number) => string = plain): Axis {
  const scale = scaleLinear()
    .domain([0, highest > 0 ? highest : 1])
    .nice(5)
    .range([SPAN, 0])
    .clamp(true);
  return { title, at: scale, ticks: ticksOf(scale.ticks(5), scale, label), domain: ends(scale.domain()) };
}

/** How many there are, from 0 upwards: there are no halves. */
export function counting(title: string, highest: number): Axis {
  const axis = fromZero(title, highest);
  return { ...axis, ticks: axis.ticks.filter(({ label }) => Number.isInteger(Number(label))) };
}

/** Upwards in equal ratios, between two values above 0. */
function inRatios(title: string, domain: readonly [number, number]): Axis {
  const scale = scaleLog().domain(domain).range([SPAN, 0]).clamp(true);
  const decades = Math.log10(domain[1] / domain[0]);
  const wanted = decades > 3 ? [1] : decades > 1.5 ? [1, 2, 5] : [1, 2, 3, 5, 7];
  const ticks = scale.ticks().filter((tick) => wanted.includes(mantissa(tick)));
  return { title, at: scale, ticks: ticksOf(ticks, scale), domain };
}

/**
 * Milliseconds upwards: from 0, or in equal ratios where the highest dwarfs the p95. A limit has its place on
 * it, unless what was measured would shrink to nothing below it.
 */
export function latencyAxis(
  { lowest, p95, highest }: { readonly lowest: number; readonly p95: number; readonly highest: number },
  limits: readonly number[],
): Axis {
  if (lowest > 0 && highest > DWARFS * p95) {
    const shown = limits.filter((limit) => limit > lowest / 5 && limit < highest * 5);
    const low = Math.min(lowest, ...shown);
    return inRatios("ms, logarithmic", [roundDown(low * 0.9), roundUp(Math.max(highest, ...shown))]);
  }
  const shown = limits.filter((limit) => limit <= highest * 2);
  return fromZero("ms, from 0", Math.max(highest, ...shown));
}

const PERCENTILES = [0, 50, 75, 90, 95, 99, 99.9, 99.99, 99.999, 99.9999];
const MORE = [75, 95];

/**
 * Percentiles from left to right, as HdrHistogram draws them: as 1 / (share above), in equal ratios, so that
 * each 9 takes as much room as the one before it. It ends where `count` results end to say anything; the
 * maximum, percentile 100, lies there.
 */
export function percentileAxis(count: number): Axis {
  const reach = Math.max(10, count);
  const scale = scaleLog().domain([1, reach]).range([0, SPAN]).clamp(true);
  const at = (percent: number) => scale(percent >= 100 ? reach : 100 / (100 - percent));
  const within = PERCENTILES.filter((percent) => percent === 0 || at(percent) < SPAN * 0.96);
  return {
    title: "percentile, logarithmic towards 100",
    at,
    ticks: [
      ...within.map((percent) => ({
        at: at(percent),
        label: String(percent),
        isSpare: MORE.includes(percent) || at(percent) > SPAN * 0.85,
      })),
      { at: SPAN, label: "max", isSpare: false },
    ],
    domain: [0, 100],
  };
}

function ticksOf(
  values: readonly number[],
  at: (value: number) => number,
  label: (value: number) => string = plain,
): Tick[] {
  return values.map((value, i) => ({ at: at(value), label: label(value), isSpare: i % 2 === 1 }));
}

function plain(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function ends(domain: readonly number[]): readonly [number, number] {
  return [domain[0] ?? 0, domain[1] ?? 1];
}

const ROUND = [1, 2, 5, 10];

/** To 1, 2 or 5 times a power of ten. */
function roundDown(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return (ROUND.findLast((one) => one * power <= value * (1 + 1e-9)) ?? 1) * power;
}

function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return (ROUND.find((one) => one * power >= value * (1 - 1e-9)) ?? 10) * power;
}

function mantissa(value: number): number {
  return Math.round(value / 10 ** Math.floor(Math.log10(value) + 1e-9));
}
