import type { Clock } from "../core/clock.js";
import { Emitter, type Unsubscribe } from "../core/emitter.js";
import { type AiwError, toAiwError } from "../core/errors.js";
import type { PictureFormat } from "../frame/pixel-format.js";
import type { FrameAnswer, FrameSink, OutgoingFrame } from "./frame-sink.js";

/** Encodes a frame's rgb24; reads its `data` until the promise settles. */
export type EncodeFrame = (frame: OutgoingFrame) => Promise<Uint8Array>;

interface Events {
  result: FrameAnswer;
  credit: undefined;
}

/**
 * Encodes each frame before the sink behind it gets it. A frame is encoded only when it may be sent, so that
 * none is encoded to be dropped, and what the encoding takes is part of the frame's `wait`. One that cannot be
 * encoded is answered with the reason.
 */
export class EncodingSink implements FrameSink {
  private readonly events = new Emitter<Events>();
  private isEncoding = false;
  /** The link was cut while a frame was encoded, which therefore counts as lost. */
  private wasCut = false;

  /** @param sink sends what was encoded; nobody else may send through it */
  constructor(
    private readonly sink: FrameSink,
    private readonly format: PictureFormat,
    private readonly encode: EncodeFrame,
    private readonly clock: Clock,
  ) {
    sink.onCut?.(() => {
      this.wasCut = true;
    });
  }

  get lost(): AiwError | undefined {
    return this.sink.lost;
  }

  canSend(): boolean {
    return !this.isEncoding && this.sink.canSend();
  }

  sendFrame(frame: OutgoingFrame): void {
    this.isEncoding = true;
    this.wasCut = false;
    void this.encodeAndSend(frame);
  }

  onResult(listener: (answer: FrameAnswer) => void): Unsubscribe {
    const off = [this.sink.onResult(listener), this.events.on("result", listener)];
    return () => off.forEach((unsubscribe) => unsubscribe());
  }

  onCredit(listener: () => void): Unsubscribe {
    const off = [this.sink.onCredit(listener), this.events.on("credit", listener)];
    return () => off.forEach((unsubscribe) => unsubscribe());
  }

  onCut(listener: (why: AiwError) => void): Unsubscribe {
    return this.sink.onCut?.(listener) ?? (() => {});
  }

  onLost(listener: (error: AiwError) => void): Unsubscribe {
    return this.sink.onLost(listener);
  }

  private async encodeAndSend(frame: OutgoingFrame): Promise<void> {
    try {
      const data = await this.encode(frame).finally(() => frame.release());
      // Gone meanwhile: whoever waited for an answer has been told.
      if (this.wasCut || !this.sink.canSend()) return;
      this.sink.sendFrame({ ...frame, data, format: this.format, release: () => {} });
    } catch (thrown) {
      this.refuse(frame, toAiwError(thrown));
    } finally {
      this.isEncoding = false;
      if (this.canSend()) this.events.emit("credit", undefined);
    }
  }

  private refuse({ seq }: OutgoingFrame, error: AiwError): void {
    const nowUs = this.clock.nowUs();
    const times = { seq, sentAtUs: nowUs, answeredAtUs: nowUs };
    this.events.emit("result", { ...times, outcome: { error }, stages: undefined, usage: undefined });
  }
}
