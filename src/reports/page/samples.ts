import type { Timeline } from "../../bench/report-schema.js";

/** A slice of the timeline with a result in it. */
export interface Sample {
  readonly index: number;
  readonly fromS: number;
  readonly middleS: number;
  readonly toS: number;
}

/** What comes after more than this many times the usual distance does not follow on from what was before. */
const GAP = 3;

/**
 * The slices with results, in rows without a gap. At a low rate most slices have no frame, and under too high
 * a one most have no result: these are not gaps. A gap is where nothing came back for much longer than usual.
 */
export function samplesOf({ interval_s: intervalS, results }: Timeline): Sample[][] {
  const indexes = results.flatMap((n, index) => (n > 0 ? [index] : []));
  const distances = indexes.slice(1).map((index, i) => index - (indexes[i] ?? 0));
  const usual = distances.toSorted((a, b) => a - b)[Math.floor(distances.length / 2)] ?? 1;
  const rows: Sample[][] = [];
  for (const [i, index] of indexes.entries()) {
    const sample = {
      index,
      fromS: index * intervalS,
      middleS: (index + 0.5) * intervalS,
      toS: (index + 1) * intervalS,
    };
    const isGap = i === 0 || (distances[i - 1] ?? 0) > GAP * usual;
    if (isGap) rows.push([sample]);
    else rows.at(-1)?.push(sample);
  }
  return rows;
}

/** Where the timeline ends, seconds. */
export function endOf({ interval_s: intervalS, offered }: Timeline): number {
  return offered.length * intervalS;
}

/** "12.125–12.25 s" */
export function spanOf(index: number, intervalS: number): string {
  const seconds = (value: number) => String(Math.round(value * 1000) / 1000);
  return `${seconds(index * intervalS)}\u2013${seconds((index + 1) * intervalS)} s`;
}
