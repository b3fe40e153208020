import { medianOfSorted } from "../core/median.js";
import { binomialTail } from "./early-stopping.js";

/** The median of some values with a band that holds the true median, whatever the values' distribution. */
export interface MedianBand {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/**
 * How far the band's ends are from the sample's, 1 for the smallest and the largest value themselves:
 * the largest k with P(Binomial(n, 1/2) <= k - 1) <= alpha. 0 where even those are too close: n is too
 * small.
 *
 * The true median is below the kth smallest of n values only where fewer than k of them are below it,
 * and each is so with a chance of one half: the order-statistic interval for a median (Thompson 1936;
 * David and Nagaraja, Order Statistics, 3rd edition, 7.1). Of pairs it is the sign test turned round.
 *
 * @param alpha chance that the median is beyond one end of the band; beyond either, twice that
 */
export function bandRank(n: number, alpha: number): number {
  let rank = 0;
  while (rank < n / 2 && binomialTail(n, 0.5, rank) <= alpha) rank++;
  return rank;
}

/** The least number of values that have a band at all: that of their extremes, of chance 2^-n each. */
export function leastForBand(alpha: number): number {
  return Math.ceil(Math.log2(1 / alpha));
}

/** @returns undefined where there are too few values for a band at `alpha` (see `bandRank`) */
export function medianBand(values: readonly number[], alpha: number): MedianBand | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = bandRank(sorted.length, alpha);
  const low = sorted[rank - 1];
  const high = sorted[sorted.length - rank];
  if (low === undefined || high === undefined) return undefined;
  return { median: medianOfSorted(sorted), low, high };
}
