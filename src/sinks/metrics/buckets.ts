/**
 * Upper bounds, milliseconds. What is judged by is a bound itself and has one close on either side, so that a
 * quantile near it is told to a few milliseconds: 150 ms, and the 83 ms that a frame has at 12 fps.
 */
export const LATENCY_BUCKETS_MS = [
  ...[5, 10, 15, 20, 25, 30, 40, 50, 60, 70, 80, 83, 86, 90, 100, 110, 120, 130, 140, 145, 150, 155, 160],
  ...[175, 200, 250, 300, 400, 500, 750, 1000, 2500, 5000, 10_000, 30_000],
] as const;

/** Coarser, for there are six stages of each camera; the shortest ones take fractions of a millisecond. */
export const STAGE_BUCKETS_MS = [
  ...[0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20, 30, 40, 50, 65, 83, 100, 125, 150, 200, 300, 500, 1000, 5000],
] as const;
