import type { Clock } from "../core/clock.js";
import type { Gate } from "../core/gate.js";
import type { Feed, FeedLimits, Pace } from "../pipeline/feed.js";
import type { FrameSink } from "../pipeline/frame-sink.js";
import type { LedgerCounts } from "../pipeline/ledger.js";
import { Stream } from "../pipeline/stream.js";
import { type FrameOutcome, isResult } from "../results/frame-outcome.js";
import type { WorkerUsage } from "../results/stages.js";
import { Tally } from "../results/tally.js";
import { type GateFigures, GateWatch } from "./gates.js";
import { Looks } from "./looks.js";
import type { JudgedGate, Parts, Resources, Stability, Timeline } from "./report-schema.js";
import { type ClientUsage, resourcesOf } from "./resources.js";
import { judgeStability } from "./stability.js";
import { TimelineRecorder } from "./timeline.js";

export interface Measurement {
  readonly counts: LedgerCounts;
  readonly tally: Tally;
  readonly stability: Stability;
  readonly timeline: Timeline;
  readonly parts: Parts;
  /** From the first due time to the end of the last frame's period. */
  readonly durationUs: number;
  readonly resources: Resources;
  readonly gates: readonly JudgedGate[];
  /** Why it ended before its time: the link was lost, or the source failed. */
  readonly failure: unknown;
}

export interface MeasureOptions {
  readonly feed: Feed;
  readonly sink: FrameSink;
  readonly clock: Clock;
  readonly pace: Pace;
  readonly limits: Pick<FeedLimits, "maxFrames"> & { readonly durationUs: number };
  readonly gates?: readonly Gate[] | undefined;
  /** The run goes on for up to this long until its gates are judged; by default it is of its length exactly. */
  readonly maxDurationUs?: number | undefined;
  readonly usage: () => ClientUsage;
  /** Names of the classes that accuracy is judged on; all by default. */
  readonly classes?: readonly string[] | undefined;
  /** Detections are not compared with what is in the frames: the model makes none. */
  readonly hasNothingToFind?: boolean | undefined;
  /** Takes each outcome as well; frames are kept for it where it says so. */
  readonly outcomes?: OutcomeTaker | undefined;
  /** Called once at the start, with what can be looked at while it runs. */
  readonly onStart?: ((run: RunningMeasurement) => void) | undefined;
  /** Waits for what is in flight at the end. */
  readonly drain: (stream: Stream) => Promise<void>;
  readonly interrupt: AbortSignal;
}

/** Who wants the outcomes of a measurement one by one; it must not throw. */
export interface OutcomeTaker {
  readonly keepsFrames?: boolean;
  write(outcome: FrameOutcome): void;
}

/** A measurement so far. */
export interface RunningMeasurement {
  elapsedUs(): number;
  counts(): LedgerCounts;
  readonly tally: Tally;
  /** What the gates say of what there is; what is known at the end only counts as not known. */
  gates(): readonly JudgedGate[];
}

/** Offers frames for the given time and counts what comes back. */
export async function measure(options: MeasureOptions): Promise<Measurement> {
  const { feed, sink, clock, pace, limits, usage, outcomes, interrupt } = options;
  const stream = new Stream(sink, clock, { keepFrames: outcomes?.keepsFrames === true });
  const tally = new Tally(options.classes, options.hasNothingToFind);
  const timeline = new TimelineRecorder();
  const watches = (options.gates ?? []).map((gate) => new GateWatch(gate));
  const looks = new Looks(watches, options.maxDurationUs !== undefined);
  const before = usage();
  // Until the first frame is there, and the run begins.
  let startUs = clock.nowUs();
  let first: WorkerUsage | undefined;
  let last: WorkerUsage | undefined;
  let frames = 0;
  const resources = () =>
    resourcesOf(
      { before, after: usage() },
      first !== undefined && last !== undefined ? { first, last, frames } : undefined,
      stream.counts().offered,
    );
  const figures = (durationUs: number): GateFigures => {
    return { counts: stream.counts(), tally, durationUs, resources: resources() };
  };
  const sofar = () => figures(clock.nowUs() - startUs);
  stream.on("outcome", (outcome) => {
    tally.add(outcome);
    timeline.add(outcome, outcome.dueUs - startUs);
    for (const watch of watches) watch.add(outcome);
    outcomes?.write(outcome);
    if (!isResult(outcome)) return;
    if (first !== undefined && outcome.usage !== undefined) frames++;
    first ??= outcome.usage;
    last = outcome.usage;
  });
  stream.on("dropped", ({ dueUs, reason }) => timeline.drop(reason, dueUs - startUs));
  options.onStart?.({
    elapsedUs: () => clock.nowUs() - startUs,
    counts: () => stream.counts(),
    tally,
    gates: () => looks.judge(sofar()),
  });
  const extend =
    options.maxDurationUs === undefined
      ? undefined
      : { mostUs: options.maxDurationUs, wanted: () => looks.wantsMore(sofar()) };
  const onStart = (us: number) => {
    startUs = us;
  };
  let failure: unknown;
  const durationUs = await feed
    .run(stream, pace, { ...limits, extend, onStart }, interrupt)
    .catch((error: unknown) => {
      failure = error;
      return clock.nowUs() - startUs;
    });
  await options.drain(stream);
  const end = figures(durationUs);
  stream.close();
  return {
    counts: stream.counts(),
    tally,
    stability: judgeStability(timeline.times, durationUs),
    timeline: timeline.timeline(durationUs),
    parts: timeline.parts(durationUs),
    durationUs,
    resources: end.resources,
    // After the stream's end, so that what was interrupted is counted as the report counts it.
    gates: looks.judge({ ...end, counts: stream.counts() }),
    failure: stream.lost ?? failure,
  };
}
