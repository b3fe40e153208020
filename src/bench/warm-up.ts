import type { Clock } from "../core/clock.js";
import type { Feed, Pace } from "../pipeline/feed.js";
import type { FrameSink } from "../pipeline/frame-sink.js";
import { Stream } from "../pipeline/stream.js";
import { isResult } from "../results/frame-outcome.js";

/** Inference times in a row that have to lie close together. */
const IN_A_ROW = 3;
const WITHIN = 1.25;
/** A warm-up ends after this at the latest, microseconds. */
const LONGEST_US = 10_000_000;

export interface WarmUp {
  readonly durationUs: number;
  readonly results: number;
  /** Whether the last inference times were within 25 % of each other. */
  readonly settled: boolean;
}

/**
 * Runs frames that are not part of the figures: for `minUs`, and on until three inference times in a
 * row lie within 25 % of each other, at most 10 s (or `minUs`, if that is longer). 0 leaves it out.
 */
export async function warmUp(
  feed: Feed,
  sink: FrameSink,
  clock: Clock,
  pace: Pace,
  minUs: number,
  interrupt: AbortSignal,
): Promise<WarmUp> {
  if (minUs === 0) return { durationUs: 0, results: 0, settled: false };
  const stream = new Stream(sink, clock);
  const stop = new AbortController();
  const onInterrupt = () => stop.abort();
  interrupt.addEventListener("abort", onInterrupt);
  const startUs = clock.nowUs();
  const recent: number[] = [];
  let results = 0;
  stream.on("outcome", (outcome) => {
    if (!isResult(outcome)) return;
    results++;
    recent.push(outcome.latency.inference ?? outcome.latency.total);
    recent.splice(0, recent.length - IN_A_ROW);
    if (clock.nowUs() - startUs >= minUs && isSettled(recent)) stop.abort();
  });
  if (interrupt.aborted) stop.abort();
  await feed.run(stream, pace, { durationUs: Math.max(minUs, LONGEST_US) }, stop.signal);
  await stream.whenIdle(interrupt);
  interrupt.removeEventListener("abort", onInterrupt);
  stream.close();
  return { durationUs: clock.nowUs() - startUs, results, settled: isSettled(recent) };
}

export function isSettled(recent: readonly number[]): boolean {
  return recent.length >= IN_A_ROW && Math.max(...recent) <= Math.min(...recent) * WITHIN;
}
