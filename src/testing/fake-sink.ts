import { Emitter } from "../core/emitter.js";
import { AiwError } from "../core/errors.js";
import type { FrameAnswer, FrameSink, OutgoingFrame } from "../pipeline/frame-sink.js";
import type { ManualClock } from "./manual-clock.js";

/** A sink of window 1 whose answers the test gives. */
export class FakeSink implements FrameSink {
  readonly sent: OutgoingFrame[] = [];
  inFlight: OutgoingFrame | undefined;
  credit = true;
  refuses = false;
  lost: AiwError | undefined;
  private readonly events = new Emitter<{
    result: FrameAnswer;
    credit: undefined;
    cut: AiwError;
    lost: AiwError;
  }>();

  constructor(private readonly clock: ManualClock) {}

  canSend(): boolean {
    return this.credit && this.inFlight === undefined;
  }

  sendFrame(frame: OutgoingFrame): void {
    if (this.refuses) throw new AiwError("FRAME_TOO_LARGE", "too large");
    this.sent.push(frame);
    this.inFlight = frame;
    this.credit = false;
  }

  answer(outcome: FrameAnswer["outcome"], givesCredit = true): void {
    const frame = this.inFlight;
    if (frame === undefined) return;
    frame.release();
    this.inFlight = undefined;
    const nowUs = this.clock.nowUs();
    const stages = { queueUs: 1, preprocessUs: 2, inferenceUs: 3, postprocessUs: 4 };
    this.events.emit("result", {
      seq: frame.seq,
      sentAtUs: nowUs,
      answeredAtUs: nowUs,
      outcome,
      stages,
      usage: undefined,
    });
    if (givesCredit) this.giveCredit();
  }

  giveCredit(): void {
    this.credit = true;
    if (this.canSend()) this.events.emit("credit", undefined);
  }

  cut(): void {
    this.inFlight?.release();
    this.inFlight = undefined;
    this.credit = false;
    this.events.emit("cut", new AiwError("WORKER_LOST", "away"));
  }

  lose(): void {
    this.inFlight?.release();
    this.inFlight = undefined;
    this.credit = false;
    this.lost ??= new AiwError("WORKER_LOST", "gone");
    this.events.emit("lost", this.lost);
  }

  onResult = (listener: (answer: FrameAnswer) => void) => this.events.on("result", listener);
  onCredit = (listener: () => void) => this.events.on("credit", listener);
  onCut = (listener: (why: AiwError) => void) => this.events.on("cut", listener);
  onLost = (listener: (error: AiwError) => void) => this.events.on("lost", listener);
}
