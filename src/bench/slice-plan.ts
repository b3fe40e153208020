import { LEAST_PAIRS } from "./comparison.js";

/** A whole comparison is planned for this where no `--duration` says otherwise, microseconds. */
const BUDGET_US = 168_000_000;
/** And is over by now, if it has pairs enough for a verdict: starts may take longer than they did at first. */
const OVER_US = 178_000_000;
/** Pairs that a verdict is meant to have: with 16 the noise band leaves out the two most extreme to each side. */
const PAIRS = 16;
/** Slices are as long as this where there is time, microseconds: longer ones add less than more of them do. */
const LONGEST_US = 3_500_000;
/** Nor shorter than this, as few frames say little. */
const SHORTEST_US = 1_000_000;

/** How a comparison goes: two slices a pair. */
export interface SlicePlan {
  readonly pairs: number;
  readonly sliceUs: number;
  /** All of it from now on, starts and warm-ups included. */
  readonly expectedUs: number;
}

export interface SliceCosts {
  /** What there is to measure, of both sides together; undefined for what the budget allows. */
  readonly durationUs: number | undefined;
  /** What a slice takes beside its measuring: the start, the warm-up, the end. */
  readonly overheadUs: number;
  /** Already gone of the budget. */
  readonly spentUs: number;
}

/** Cuts the time to measure into pairs of slices. */
export function planSlices({ durationUs, overheadUs, spentUs }: SliceCosts): SlicePlan {
  const left = BUDGET_US - spentUs - 2 * PAIRS * overheadUs;
  const measuredUs = durationUs ?? Math.min(2 * PAIRS * LONGEST_US, Math.max(2 * PAIRS * SHORTEST_US, left));
  const wantedUs = Math.min(LONGEST_US, Math.max(SHORTEST_US, measuredUs / (2 * PAIRS)));
  const pairs = Math.max(1, Math.round(measuredUs / (2 * wantedUs)));
  const sliceUs = Math.round(measuredUs / (2 * pairs));
  return { pairs, sliceUs, expectedUs: 2 * pairs * (sliceUs + overheadUs) };
}

/**
 * Whether a comparison that has to keep within its budget takes one more pair.
 * @param pairs that it has
 * @param spentUs since it began
 * @param pairUs what a pair takes
 */
export function mayTakeAnother(pairs: number, spentUs: number, pairUs: number): boolean {
  return pairs < LEAST_PAIRS || spentUs + pairUs <= OVER_US;
}
