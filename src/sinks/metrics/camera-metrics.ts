import type { Histogram } from "prom-client";
import type { LinkFigures } from "../../client/reconnecting-client.js";
import type { Unsubscribe } from "../../core/emitter.js";
import { printable } from "../../core/printable.js";
import type { LedgerCounts } from "../../pipeline/ledger.js";
import type { Stream } from "../../pipeline/stream.js";
import type { CloseReason, WatchState } from "../../results/agent-event.js";
import { type FrameOutcome, isResult } from "../../results/frame-outcome.js";
import { STAGES, type Stage } from "../../results/stages.js";
import type { CameraState } from "../../source/camera-state.js";
import type { CameraFacts } from "./readiness.js";

/** A camera, or whatever else gives the frames of one Stream. */
export interface CameraPipeline {
  /** Its label, credentials masked. */
  readonly name: string;
  readonly stream: Pick<Stream, "counts" | "on">;
  readonly link: LinkFigures;
  /** Of the model: nothing else becomes a label. */
  readonly classNames: readonly string[];
  /** At which frames are to be expected, as of now; undefined where nobody knows. */
  readonly rateFps?: (() => number) | number | null | undefined;
  /** An agent watches it: it has a watch state, and sessions. */
  readonly isWatched?: boolean;
}

/** What a class is counted as that is none of the model's: a worker may send any text. */
const NO_CLASS = "other";

/**
 * The figures of one camera. Frames are counted by its Stream's ledger and only read here; what is done for each
 * result is to observe its latencies and to count its detections, on what was prepared when the camera was added.
 */
export class CameraMetrics {
  private readonly detections = new Map<string, number>();
  private readonly errors = new Map<string, number>();
  private readonly closed = new Map<CloseReason, number>();
  private classLabels: ReadonlyMap<string, string> = new Map();
  private readonly observeTotal: (ms: number) => void;
  private readonly stages: readonly { readonly stage: Stage; readonly observe: (ms: number) => void }[];
  private readonly unsubscribe: Unsubscribe;
  private readonly link: LinkFigures;
  private lastResultUs: number | undefined;
  private lastLatencyUs = 0;
  private rateFps: (() => number) | number | undefined;
  private why: string | undefined;
  private opened = 0;
  private watch: WatchState | undefined;
  /** Frames of sessions that were not recorded. */
  recordsLost = 0;

  constructor(
    /** The label, which no other camera has. */
    readonly name: string,
    private readonly pipeline: CameraPipeline,
    latency: Histogram<"camera">,
    stageLatency: Histogram<"camera" | "stage">,
    private readonly sinceUs: number,
  ) {
    this.link = pipeline.link;
    this.rateFps = pipeline.rateFps ?? undefined;
    this.watch = pipeline.isWatched ? "idle" : undefined;
    this.setClasses(pipeline.classNames);
    // From 0: a rate is told from the first frame on.
    latency.zero({ camera: name });
    this.observeTotal = latency.labels({ camera: name }).observe;
    this.stages = STAGES.map((stage) => {
      stageLatency.zero({ camera: name, stage });
      return { stage, observe: stageLatency.labels({ camera: name, stage }).observe };
    });
    this.unsubscribe = pipeline.stream.on("outcome", (outcome) => this.take(outcome));
  }

  /** The model is another one from now on; what was counted stays. */
  setClasses(names: readonly string[]): void {
    this.classLabels = new Map(names.map((one) => [one, printable(one)]));
  }

  /** Frames are to be expected at another rate from now on. */
  setRate(fps: number | null | undefined): void {
    this.rateFps = fps ?? undefined;
  }

  /** No frames are to be expected, by design; undefined: they are again. */
  rest(why: string | undefined): void {
    this.why = why;
  }

  setWatch(state: WatchState): void {
    this.watch = state;
  }

  sessionOpened(): void {
    this.opened++;
  }

  sessionClosed(reason: CloseReason): void {
    this.closed.set(reason, (this.closed.get(reason) ?? 0) + 1);
  }

  stop(): void {
    this.unsubscribe();
  }

  counts(): LedgerCounts {
    return this.pipeline.stream.counts();
  }

  get linkFigures(): LinkFigures {
    return this.link;
  }

  get detectionsByClass(): ReadonlyMap<string, number> {
    return this.detections;
  }

  get errorsByCode(): ReadonlyMap<string, number> {
    return this.errors;
  }

  /** Undefined of a camera that nobody watches. */
  get watched(): WatchFigures | undefined {
    const { watch: state, opened, closed } = this;
    return state === undefined ? undefined : { state, opened, closed };
  }

  /** @param state undefined of what is no camera */
  facts(state: CameraState | undefined): CameraFacts {
    const { name, sinceUs, lastResultUs, lastLatencyUs } = this;
    const rateFps = typeof this.rateFps === "function" ? this.rateFps() : this.rateFps;
    const link = this.link.linkState;
    return { name, sinceUs, lastResultUs, lastLatencyUs, rateFps, rest: this.why, state, link };
  }

  private take(outcome: FrameOutcome): void {
    if (!isResult(outcome)) {
      const { code } = outcome.error;
      this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
      return;
    }
    const { latency, detections, dueUs } = outcome;
    this.lastLatencyUs = latency.total;
    this.lastResultUs = dueUs + latency.total;
    this.observeTotal(latency.total / 1000);
    for (const { stage, observe } of this.stages) {
      const us = latency[stage];
      if (us !== null) observe(us / 1000);
    }
    for (const { className } of detections) {
      const label = this.classLabels.get(className) ?? NO_CLASS;
      this.detections.set(label, (this.detections.get(label) ?? 0) + 1);
    }
  }
}

interface WatchFigures {
  readonly state: WatchState;
  readonly opened: number;
  readonly closed: ReadonlyMap<CloseReason, number>;
}
