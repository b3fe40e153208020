import { LEAST_PAIRS } from "./comparison.js";

/** A whole comparison is planned for this where no `--duration` says otherwise, microseconds. */
const BUDGET_US = 168_000_000;
/** And is over by now, if it has pairs enough for a verdict: starts may take longer than they did at first. */
const OVER_US = 178_000_000;
/**
 * Pairs that a verdict is meant to have. Many short slices tell more than few long ones: what disturbs a machine
 * mostly lasts longer than a slice, and a band of 40 pairs bears a dozen that were disturbed to one side.
 */
const PAIRS = 40;
/** Slices are as long as this where there is time, microseconds: longer ones add less than more of them do. */
const LONGEST_US = 3_500_000;
/**
 * Within the budget, where starts take much of it, they are not shorter than this, as few frames say little:
 * fewer pairs are taken then.
 */
const SHORTEST_IN_BUDGET_US = 900_000;
/** A `--duration`, which starts do not count in, is not cut into shorter ones than this if it holds two of them. */
const SHORTEST_OF_DURATION_US = 1_000_000;

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
  const { pairs, sliceUs } =
    durationUs === undefined ? withinBudget(BUDGET_US - spentUs, overheadUs) : ofLength(durationUs);
  return { pairs, sliceUs, expectedUs: 2 * pairs * (sliceUs + overheadUs) };
}

function withinBudget(leftUs: number, overheadUs: number) {
  const sliceUs = Math.round(clamp(leftUs / (2 * PAIRS) - overheadUs, SHORTEST_IN_BUDGET_US, LONGEST_US));
  // Either side is first as often.
  const pairs = 2 * Math.floor(leftUs / (4 * (sliceUs + overheadUs)));
  return { pairs: clamp(pairs, LEAST_PAIRS + (LEAST_PAIRS % 2), PAIRS), sliceUs };
}

function ofLength(durationUs: number) {
  const wantedUs = clamp(durationUs / (2 * PAIRS), SHORTEST_OF_DURATION_US, LONGEST_US);
  const pairs = Math.max(1, Math.round(durationUs / (2 * wantedUs)));
  return { pairs, sliceUs: Math.round(durationUs / (2 * pairs)) };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
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
