import type { Settings } from "../config/settings.js";
import type { SourceName } from "../config/source-names.js";
import type { Clock } from "../core/clock.js";
import { AiwError } from "../core/errors.js";
import { settledOrAborted } from "../core/settled-or-aborted.js";
import { isShapeOnly } from "../core/shapes.js";
import { Feed } from "../pipeline/feed.js";
import { Stream } from "../pipeline/stream.js";
import { runSummary } from "../reports/run-summary.js";
import type { FrameOutcome } from "../results/frame-outcome.js";
import { Tally } from "../results/tally.js";
import type { CameraMetrics } from "../sinks/metrics/camera-metrics.js";
import type { ClientMetrics } from "../sinks/metrics/client-metrics.js";
import type { FrameSource } from "../source/frame-source.js";
import { drain } from "./drain.js";
import type { OpenLane } from "./open-lanes.js";
import { paceOf } from "./sources.js";
import { reportedClasses, type WorkerSession, withLastWords } from "./worker-session.js";

/** What a lane needs of the run that it belongs to. */
export interface LaneContext {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly keepFrames: boolean;
  readonly onOutcome: (outcome: FrameOutcome) => void;
  /** Waited for before each frame of a lossless run: where the results go may be slow. */
  readonly caughtUp: () => Promise<void> | undefined;
  readonly open: (name: SourceName, session: WorkerSession) => Promise<FrameSource>;
  readonly metrics: ClientMetrics | undefined;
  /** Aborts when the run is to end. */
  readonly stop: AbortSignal;
  readonly interrupt: AbortSignal;
}

/** One pipeline of a run, with a ledger and latencies of its own: sources that come one after the other. */
export class RunLane {
  readonly name: string;
  readonly stream: Stream;
  readonly tally: Tally;
  private readonly startedUs: number;
  private readonly figures: CameraMetrics | undefined;
  /** Why it ended before its time. */
  failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly lane: OpenLane,
    private readonly context: LaneContext,
  ) {
    const { settings, clock, keepFrames, onOutcome } = context;
    const { source, session } = lane;
    this.name = source.name;
    this.startedUs = clock.nowUs();
    this.tally = new Tally(reportedClasses(settings, session.info), isShapeOnly(session.info.warnings));
    this.stream = new Stream(session.sink, clock, { keepFrames });
    const { name, stream } = this;
    const { client: link, info } = session;
    this.figures = context.metrics?.addCamera({ name, stream, link, classNames: info.classNames });
    this.stream.on("outcome", (outcome) => {
      this.tally.add(outcome);
      onOutcome(outcome);
    });
  }

  /** Takes the frames of its sources; what goes wrong is kept as `failure`. */
  async run(): Promise<void> {
    const { session, source, rest } = this.lane;
    const { stop, open, interrupt } = this.context;
    try {
      await this.one(source);
      for (const name of rest) {
        if (stop.aborted || this.stream.lost !== undefined || this.isOver()) break;
        await this.one(await open(name, session));
      }
    } catch (error) {
      this.failure = { error };
    }
    await drain(this.stream, interrupt);
    this.stream.close();
    if (this.stream.lost !== undefined) {
      this.failure ??= { error: await withLastWords(this.stream.lost, session.process()) };
    }
    if (this.failure === undefined) this.figures?.rest("its source has come to its end");
  }

  /** One line about it, for people. */
  summary(): string {
    const elapsedUs = this.context.clock.nowUs() - this.startedUs;
    const { info, losses } = this.lane.session;
    const lines = [runSummary(this.stream.counts(), this.tally, elapsedUs, info.warnings), losses()];
    return lines.filter((line) => line !== "").join("\n");
  }

  /** @throws NO_RESULTS */
  throwIfNoResult(): void {
    const counts = this.stream.counts();
    if (counts.results > 0) return;
    const why =
      this.tally.firstError ?? (counts.offered === 0 ? "the source gave no frame" : "all were dropped");
    throw new AiwError("NO_RESULTS", `none of ${counts.offered} frames gave a result: ${why}`);
  }

  private async one(source: FrameSource): Promise<void> {
    const { settings, clock, stop, caughtUp } = this.context;
    const feed = new Feed(source, clock, () => {
      const waiting = caughtUp();
      return waiting === undefined ? undefined : settledOrAborted(waiting, stop);
    });
    this.figures?.setRate(settings.fps ?? source.rateFps);
    try {
      await feed.run(this.stream, paceOf(source, settings), this.limits(), stop);
    } finally {
      await feed.close();
    }
  }

  private limits() {
    const { frames, duration } = this.context.settings;
    const elapsedUs = this.context.clock.nowUs() - this.startedUs;
    return {
      maxFrames: frames === undefined ? undefined : frames - this.stream.counts().offered,
      durationUs: duration === undefined ? undefined : duration - elapsedUs,
    };
  }

  private isOver(): boolean {
    const { maxFrames = 1, durationUs = 1 } = this.limits();
    return maxFrames <= 0 || durationUs <= 0;
  }
}
