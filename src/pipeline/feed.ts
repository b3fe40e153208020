import { after, type Clock, waitUntil } from "../core/clock.js";
import { isFailure } from "../frame/frame.js";
import type { FrameSource } from "../source/frame-source.js";
import { Prefetch } from "./prefetch.js";
import type { Stream } from "./stream.js";

/** Frames that are read ahead of a source that can wait. */
const PREFETCH_DEPTH = 3;
/** Of a live source that nobody offers from just now, its first ones, which are then thrown away. */
const LIVE_DEPTH = 8;

/**
 * How frames are offered:
 * - `lossless`: the next one when the one before it was answered; nothing is dropped
 * - `paced`: frame i at start + i / fps, whatever the worker does (open loop)
 * - `live`: as they arrive; with `maxFps` those that come sooner than that are left out. A function is asked for
 *   each frame, where the rate is to change
 */
export type Pace =
  | { readonly kind: "lossless" }
  | { readonly kind: "paced"; readonly fps: number }
  | { readonly kind: "live"; readonly maxFps: MaxFps };

type MaxFps = number | (() => number) | undefined;

export interface FeedLimits {
  readonly maxFrames?: number | undefined;
  /** From the first frame's due time on. */
  readonly durationUs?: number | undefined;
  /** Told when the run begins: the first due time, microseconds of the Clock. */
  readonly onStart?: ((startUs: number) => void) | undefined;
  /** Goes on after that, of a paced or a live source, as long as more is wanted. */
  readonly extend?: { readonly mostUs: number; readonly wanted: () => boolean } | undefined;
}

/** Takes frames from a source and offers them to streams, one after the other. */
export class Feed {
  private readonly prefetch: Prefetch;

  constructor(
    private readonly source: FrameSource,
    private readonly clock: Clock,
    /** Waited for before each frame of a lossless run: where the results go may be slow. */
    private readonly mayGoOn?: () => Promise<void> | undefined,
  ) {
    // A live source never waits: what it gives is offered at once, and the slot does the dropping.
    this.prefetch = new Prefetch(source.frames(), source.live ? LIVE_DEPTH : PREFETCH_DEPTH);
  }

  /**
   * Offers frames until the source ends, a limit is reached, the stream's link is lost or the signal
   * aborts. The last frame may still be on its way then.
   * @returns how long that was, microseconds: of a paced run that came to its end from the first due time to
   *   the end of the last frame's period, without what the clock came late
   * @throws what the source throws
   */
  async run(stream: Stream, pace: Pace, limits: FeedLimits, signal?: AbortSignal): Promise<number> {
    const stop = new AbortController();
    const abort = () => stop.abort();
    if (signal?.aborted || stream.lost !== undefined) abort();
    signal?.addEventListener("abort", abort);
    const off = stream.on("lost", abort);
    try {
      if (pace.kind === "lossless") return await this.lossless(stream, limits, stop);
      if (pace.kind === "paced") return await this.paced(stream, pace.fps, limits, stop.signal);
      return await this.live(stream, pace.maxFps, limits, stop);
    } finally {
      off();
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Begins again at the source's first frame, where the source can. */
  rewind(): void {
    if (this.source.rewind === undefined) return;
    this.source.rewind();
    this.prefetch.discard();
  }

  async close(): Promise<void> {
    await this.source.close();
    await this.prefetch.close();
  }

  private async lossless(stream: Stream, limits: FeedLimits, stop: AbortController): Promise<number> {
    const { maxFrames = Number.POSITIVE_INFINITY, durationUs } = limits;
    const { signal } = stop;
    await this.prefetch.whenReady(signal);
    const startUs = this.clock.nowUs();
    limits.onStart?.(startUs);
    const cancel = stopAfter(this.clock, durationUs, stop);
    try {
      for (let n = 0; n < maxFrames; n++) {
        await this.prefetch.whenReady(signal);
        await stream.whenIdle(signal);
        await this.mayGoOn?.();
        const item = signal.aborted ? undefined : this.prefetch.takeNow();
        if (item === undefined) break;
        stream.offer(item, this.clock.nowUs());
      }
    } finally {
      cancel();
    }
    return this.clock.nowUs() - startUs;
  }

  private async paced(stream: Stream, fps: number, limits: FeedLimits, signal: AbortSignal): Promise<number> {
    const { maxFrames = Number.POSITIVE_INFINITY, durationUs = Number.POSITIVE_INFINITY, extend } = limits;
    const framesIn = (us: number) => Math.min(maxFrames, Math.round((us / 1e6) * fps));
    const frames = framesIn(durationUs);
    const most = extend === undefined ? frames : Math.max(frames, framesIn(extend.mostUs));
    let lengthUs = Math.min(durationUs, Math.round((maxFrames * 1e6) / fps));
    await this.prefetch.whenReady(signal);
    // A result in flight, and a frame that is being read, have to be taken when they come.
    const mayBlock = () => stream.isIdle && this.prefetch.isAtRest;
    const startUs = this.clock.nowUs();
    limits.onStart?.(startUs);
    const off = stream.on("idle", () => this.prefetch.setQuiet(true));
    try {
      for (let i = 0; i < most && !signal.aborted; i++) {
        const dueUs = startUs + Math.round((i * 1e6) / fps);
        await waitUntil(this.clock, dueUs, signal, mayBlock);
        if (signal.aborted) break;
        if (i >= frames) {
          if (extend?.wanted() !== true) break;
          lengthUs = Math.round(((i + 1) * 1e6) / fps);
        }
        const item = this.prefetch.takeNow();
        if (item !== undefined) stream.offer(item, dueUs);
        else if (this.prefetch.isExhausted) return this.clock.nowUs() - startUs;
        else stream.offerMissing(dueUs);
        this.prefetch.setQuiet(stream.isIdle);
      }
      // The period of the last frame belongs to the run.
      if (Number.isFinite(lengthUs)) await waitUntil(this.clock, startUs + lengthUs, signal);
      return signal.aborted || !Number.isFinite(lengthUs) ? this.clock.nowUs() - startUs : lengthUs;
    } finally {
      off();
      this.prefetch.setQuiet(true);
    }
  }

  private async live(
    stream: Stream,
    maxFpsOf: MaxFps,
    limits: FeedLimits,
    stop: AbortController,
  ): Promise<number> {
    const { maxFrames = Number.POSITIVE_INFINITY, durationUs, extend } = limits;
    const { signal } = stop;
    // What came before this run began is not of it.
    this.prefetch.discard();
    await this.prefetch.whenReady(signal);
    const startUs = this.clock.nowUs();
    limits.onStart?.(startUs);
    const longestUs = extend === undefined ? durationUs : Math.max(durationUs ?? 0, extend.mostUs);
    const cancel = stopAfter(this.clock, longestUs, stop);
    const enoughUs = extend === undefined ? Number.POSITIVE_INFINITY : startUs + (durationUs ?? 0);
    let nextUs = Number.NEGATIVE_INFINITY;
    let overruns = this.source.overruns?.() ?? 0;
    try {
      for (let n = 0; n < maxFrames;) {
        await this.prefetch.whenReady(signal);
        if (this.clock.nowUs() >= enoughUs && extend?.wanted() !== true) break;
        for (const now = this.source.overruns?.() ?? 0; overruns < now; overruns++) {
          stream.offerMissing(this.clock.nowUs());
        }
        const item = signal.aborted ? undefined : this.prefetch.takeNow();
        if (item === undefined) break;
        const maxFps = typeof maxFpsOf === "function" ? maxFpsOf() : maxFpsOf;
        const arrivedUs = isFailure(item) ? this.clock.nowUs() : item.capturedAtUs;
        if (!isFailure(item) && maxFps !== undefined && arrivedUs < nextUs) {
          item.release();
          continue;
        }
        if (maxFps !== undefined) nextUs = nextDue(nextUs, arrivedUs, 1e6 / maxFps);
        stream.offer(item, arrivedUs);
        n++;
      }
    } finally {
      cancel();
    }
    return this.clock.nowUs() - startUs;
  }
}

/**
 * When the next frame of a thinned stream may come: one period after the last one was allowed, so
 * that jitter does not lower the rate; a quarter of a period early counts, and a gap is not made up.
 */
function nextDue(lastAllowedUs: number, arrivedUs: number, periodUs: number): number {
  return Math.max(lastAllowedUs + periodUs, arrivedUs + periodUs * 0.75);
}

function stopAfter(clock: Clock, durationUs: number | undefined, stop: AbortController) {
  return durationUs === undefined ? () => {} : after(clock, durationUs, () => stop.abort());
}
