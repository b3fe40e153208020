import type { Clock } from "../core/clock.js";
import { Emitter, type Unsubscribe } from "../core/emitter.js";
import { type AiwError, toAiwError } from "../core/errors.js";
import { type Frame, isFailure, type SourceItem } from "../frame/frame.js";
import { KeptFrame } from "../frame/kept-frame.js";
import type { FrameOutcome } from "../results/frame-outcome.js";
import { frameLatency } from "../results/stages.js";
import type { FrameAnswer, FrameSink } from "./frame-sink.js";
import { LatestWinsSlot } from "./latest-wins-slot.js";
import { type DropReason, Ledger, type LedgerCounts } from "./ledger.js";

interface OfferedFrame {
  readonly seq: number;
  readonly frame: Frame;
  readonly dueUs: number;
  readonly wallMs: number;
}

interface FrameInFlight {
  readonly offered: OfferedFrame;
  /** Only where frames are kept. */
  readonly kept: KeptFrame | undefined;
  /** Ends our own hold on the pixels, which the sink has besides its own. */
  readonly letGo: () => void;
  /** Microseconds of the Clock. */
  readonly sentUs: number;
}

export interface StreamOptions {
  /** A result's outcome carries its frame, for those who want its pixels. */
  readonly keepFrames?: boolean;
}

interface Events {
  outcome: FrameOutcome;
  /** An offered frame that has no outcome; `dueUs` is when it was due, microseconds of the Clock. */
  dropped: { readonly dueUs: number; readonly reason: DropReason };
  /** The slot is empty and nothing is in flight. */
  idle: undefined;
  lost: AiwError;
}

/**
 * One stream of frames on its way through a sink: offered frames wait in a latest-wins slot until
 * the sink takes them, and each ends in exactly one place of the ledger.
 */
export class Stream {
  private readonly ledger = new Ledger();
  private readonly slot = new LatestWinsSlot<OfferedFrame>();
  private readonly events = new Emitter<Events>();
  private readonly unsubscribe: Unsubscribe[];
  private inFlight: FrameInFlight | undefined;
  private isCut = false;
  private seq = 0;

  constructor(
    private readonly sink: FrameSink,
    private readonly clock: Clock,
    private readonly options: StreamOptions = {},
  ) {
    this.isCut = sink.isAway ?? false;
    this.unsubscribe = [
      sink.onCredit(() => this.onCredit()),
      sink.onResult((answer) => this.onAnswer(answer)),
      sink.onCut?.(() => this.onCut()) ?? (() => {}),
      sink.onLost((error) => this.onLost(error)),
    ];
  }

  on<K extends keyof Events>(event: K, listener: (value: Events[K]) => void): Unsubscribe {
    return this.events.on(event, listener);
  }

  counts(): LedgerCounts {
    return this.ledger.counts();
  }

  get isIdle(): boolean {
    return this.slot.isEmpty && this.inFlight === undefined;
  }

  /** Why the link is gone, once it is. */
  get lost(): AiwError | undefined {
    return this.sink.lost;
  }

  /** Since when a frame has been in flight, microseconds of the Clock; undefined where none is. */
  get unansweredSinceUs(): number | undefined {
    return this.inFlight?.sentUs;
  }

  /** The link is gone for now: what waits can't be sent before it is back. */
  get isAway(): boolean {
    return this.isCut;
  }

  /**
   * Offers a frame that is (or was) due at `dueUs`. It is sent at once when the sink takes it, else
   * it waits and drops the one that waited before it: so while the link is away the newest frame waits for
   * its return, and those before it are `disconnected`.
   */
  offer(item: SourceItem, dueUs: number): void {
    this.ledger.offer();
    const seq = ++this.seq;
    // The due time on the wall clock: the clock's age of the frame taken off the time of now.
    const wallMs = this.clock.wallMs() - (this.clock.nowUs() - dueUs) / 1000;
    if (isFailure(item)) {
      this.ledger.error();
      this.events.emit("outcome", { seq, origin: item.origin, dueUs, wallMs, error: item.failure });
      return;
    }
    const offered = { seq, frame: item, dueUs, wallMs };
    if (this.lost !== undefined) {
      this.drop(offered, "disconnected");
      return;
    }
    const displaced = this.slot.put(offered);
    if (displaced !== undefined) this.drop(displaced, this.isCut ? "disconnected" : "latest_wins");
    this.sendNext();
  }

  /** Counts a frame that was due at `dueUs` and that the source did not have. */
  offerMissing(dueUs: number): void {
    this.seq++;
    this.ledger.offer();
    this.count({ dueUs }, "source_late");
  }

  /** Resolves when nothing waits and nothing is in flight, or the signal aborts. */
  whenIdle(signal?: AbortSignal): Promise<void> {
    if (this.isIdle || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        off();
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const off = this.events.on("idle", done);
      signal?.addEventListener("abort", done);
    });
  }

  /** Stops listening to the sink; what still waits or is in flight is dropped as interrupted. */
  close(): void {
    for (const off of this.unsubscribe) off();
    this.dropAll("interrupted");
  }

  private onCredit(): void {
    this.isCut = false;
    this.sendNext();
  }

  private sendNext(): void {
    if (this.slot.isEmpty || this.inFlight !== undefined || !this.sink.canSend()) return;
    const next = this.slot.take();
    if (next === undefined) return;
    const { seq, frame, dueUs, wallMs } = next;
    const { data, width, height, format } = frame;
    const kept = this.options.keepFrames ? new KeptFrame(frame) : undefined;
    const release = kept?.keep() ?? (() => frame.release());
    const letGo = kept?.keep() ?? (() => {});
    this.inFlight = { offered: next, kept, letGo, sentUs: this.clock.nowUs() };
    try {
      this.sink.sendFrame({ seq, data, width, height, format, dueUs, wallMs, release });
    } catch (thrown) {
      this.inFlight = undefined;
      release();
      letGo();
      this.ledger.error();
      this.events.emit("outcome", { seq, origin: frame.origin, dueUs, wallMs, error: toAiwError(thrown) });
      this.emitIfIdle();
      return;
    }
    this.ledger.send();
  }

  private onAnswer(answer: FrameAnswer): void {
    const { inFlight } = this;
    if (inFlight === undefined || inFlight.offered.seq !== answer.seq) return;
    this.inFlight = undefined;
    const { seq, frame, dueUs, wallMs } = inFlight.offered;
    const { origin, width, height } = frame;
    if ("error" in answer.outcome) {
      this.ledger.error();
      this.events.emit("outcome", { seq, origin, dueUs, wallMs, error: answer.outcome.error });
    } else {
      this.ledger.result();
      this.events.emit("outcome", {
        seq,
        origin,
        dueUs,
        wallMs,
        sent: { width, height },
        latency: frameLatency(dueUs, answer, answer.stages),
        detections: answer.outcome.detections,
        usage: answer.usage,
        truth: frame.truth,
        frame: inFlight.kept,
      });
    }
    // After the listeners: who wants the pixels for longer has kept them now.
    inFlight.letGo();
    this.emitIfIdle();
  }

  /** What waits goes on waiting: a lossless run loses nothing but the frame in flight. */
  private onCut(): void {
    this.isCut = true;
    this.dropInFlight("disconnected");
    this.emitIfIdle();
  }

  private onLost(error: AiwError): void {
    this.dropAll("disconnected");
    this.events.emit("lost", error);
  }

  private dropAll(reason: DropReason): void {
    const waiting = this.slot.take();
    if (waiting !== undefined) this.drop(waiting, reason);
    this.dropInFlight(reason);
    this.emitIfIdle();
  }

  private dropInFlight(reason: DropReason): void {
    // The buffer of a frame in flight is given back by the sink, which may still be writing it.
    const { inFlight } = this;
    if (inFlight !== undefined) this.count(inFlight.offered, reason);
    this.inFlight = undefined;
    inFlight?.letGo();
  }

  private drop(offered: OfferedFrame, reason: DropReason): void {
    this.count(offered, reason);
    offered.frame.release();
  }

  private count({ dueUs }: Pick<OfferedFrame, "dueUs">, reason: DropReason): void {
    this.ledger.drop(reason);
    this.events.emit("dropped", { dueUs, reason });
  }

  private emitIfIdle(): void {
    if (this.isIdle) this.events.emit("idle", undefined);
  }
}
