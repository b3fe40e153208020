import type { FrameResult } from "../../results/frame-outcome.js";
import { encodeJpeg } from "../pictures/encode-jpeg.js";
import { overlaySvg } from "../pictures/overlay.js";

/**
 * A frame takes the place of the poster only where it is surer by this much: a session of any length encodes
 * 21 pictures at most, and its poster is within this of its best frame.
 */
const STEP = 0.05;

export type EncodePicture = typeof encodeJpeg;

interface Candidate {
  readonly outcome: FrameResult;
  readonly letGo: () => void;
}

/** The best frame of a session so far as a JPEG. One is encoded at a time, beside the run; one more may wait. */
export class Poster {
  private best = Number.NEGATIVE_INFINITY;
  private waiting: Candidate | undefined;
  private work: Promise<void> | undefined;

  /**
   * @param save takes the bytes of each poster, which replaces the one before
   * @param onFailure a picture could not be made
   */
  constructor(
    private readonly save: (jpeg: Uint8Array) => void,
    private readonly onFailure: (error: unknown) => void,
    private readonly encode: EncodePicture = encodeJpeg,
  ) {}

  /** @param confidence of what is in it that counts; the frame's pixels must be there until this returns */
  offer(outcome: FrameResult, confidence: number): void {
    const { frame } = outcome;
    if (frame === undefined || !(confidence >= this.best + STEP)) return;
    this.best = confidence;
    this.waiting?.letGo();
    this.waiting = { outcome, letGo: frame.keep() };
    this.work ??= this.encodeAll().finally(() => (this.work = undefined));
  }

  /** Resolves when what was offered is saved or came to nothing. */
  async settled(): Promise<void> {
    await this.work;
  }

  /** Lets go of what waits. */
  giveUp(): void {
    this.waiting?.letGo();
    this.waiting = undefined;
  }

  private async encodeAll(): Promise<void> {
    for (let next = this.take(); next !== undefined; next = this.take()) {
      const { outcome, letGo } = next;
      try {
        const frame = outcome.frame?.frame;
        if (frame === undefined) continue;
        const overlay = overlaySvg(outcome.sent, outcome.detections, outcome.truth);
        this.save(await this.encode(frame, overlay));
      } catch (error) {
        this.onFailure(error);
      } finally {
        letGo();
      }
    }
  }

  private take(): Candidate | undefined {
    const next = this.waiting;
    this.waiting = undefined;
    return next;
  }
}
