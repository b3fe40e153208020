import type { Clock } from "../core/clock.js";
import type { Feed, FeedLimits, Pace } from "../pipeline/feed.js";
import type { FrameSink } from "../pipeline/frame-sink.js";
import type { LedgerCounts } from "../pipeline/ledger.js";
import { Stream } from "../pipeline/stream.js";
import { isResult } from "../results/frame-outcome.js";
import type { WorkerUsage } from "../results/stages.js";
import { Tally } from "../results/tally.js";
import { type Stability, StabilityWindows } from "./stability.js";

/** What this process and what it started for the source have used. */
export interface ClientUsage {
  /** Without what the source used of it. */
  readonly cpuUs: number;
  readonly rssBytes: number;
  /** CPU time of the source's own subprocess or thread; null where it cannot be known. */
  readonly sourceCpuUs: number | null;
}

export interface Measurement {
  readonly counts: LedgerCounts;
  readonly tally: Tally;
  readonly stability: Stability;
  /** From the first due time to the end of the last frame's period. */
  readonly durationUs: number;
  readonly client: { readonly before: ClientUsage; readonly after: ClientUsage };
  /** Of the first and the last result; undefined from a worker that does not report it. */
  readonly worker:
    { readonly first: WorkerUsage; readonly last: WorkerUsage; readonly frames: number } | undefined;
  /** Why it ended before its time: the link was lost, or the source failed. */
  readonly failure: unknown;
}

export interface MeasureOptions {
  readonly feed: Feed;
  readonly sink: FrameSink;
  readonly clock: Clock;
  readonly pace: Pace;
  readonly limits: FeedLimits & { readonly durationUs: number };
  readonly usage: () => ClientUsage;
  /** Names of the classes that accuracy is judged on; all by default. */
  readonly classes?: readonly string[] | undefined;
  /** Called with the state so far, for a live line. */
  readonly onOutcome?: (counts: LedgerCounts, tally: Tally) => void;
  /** Waits for what is in flight at the end. */
  readonly drain: (stream: Stream) => Promise<void>;
  readonly interrupt: AbortSignal;
}

/** Offers frames for the given time and counts what comes back. */
export async function measure(options: MeasureOptions): Promise<Measurement> {
  const { feed, sink, clock, pace, limits, usage, interrupt } = options;
  const stream = new Stream(sink, clock);
  const tally = new Tally(options.classes);
  const windows = new StabilityWindows(limits.durationUs);
  const before = usage();
  const startUs = clock.nowUs();
  let first: WorkerUsage | undefined;
  let last: WorkerUsage | undefined;
  let frames = 0;
  stream.on("outcome", (outcome) => {
    tally.add(outcome);
    if (isResult(outcome)) {
      windows.record(outcome, outcome.dueUs - startUs);
      if (first !== undefined && outcome.usage !== undefined) frames++;
      first ??= outcome.usage;
      last = outcome.usage;
    }
    options.onOutcome?.(stream.counts(), tally);
  });
  let failure: unknown;
  await feed.run(stream, pace, limits, interrupt).catch((error: unknown) => {
    failure = error;
  });
  const durationUs = clock.nowUs() - startUs;
  await options.drain(stream);
  const after = usage();
  stream.close();
  return {
    counts: stream.counts(),
    tally,
    stability: windows.judge(),
    durationUs,
    client: { before, after },
    worker: first !== undefined && last !== undefined ? { first, last, frames } : undefined,
    failure: stream.lost ?? failure,
  };
}
