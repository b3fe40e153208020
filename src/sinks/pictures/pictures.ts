import { join } from "node:path";
import { AiwError } from "../../core/errors.js";
import type { Frame } from "../../frame/frame.js";
import { type FrameOutcome, type FrameResult, isResult } from "../../results/frame-outcome.js";
import { makeFolder } from "../folder.js";
import type { OutcomeSink } from "../outcome-sink.js";
import { outputFailed } from "../output-failed.js";
import { writeWholeFile } from "../whole-file.js";
import { encodeJpeg } from "./encode-jpeg.js";
import { LimitedWork } from "./limited-work.js";
import { overlaySvg } from "./overlay.js";
import { pictureName } from "./picture-name.js";

/**
 * One picture is encoded while the one before it is written. A few more wait in a run that cannot, for
 * frames do not come evenly; each holds the buffer of its frame.
 */
const LIMITS = { atOnce: 2, waiting: 4 };

interface Job {
  readonly outcome: FrameResult;
  readonly frame: Frame;
  readonly letGo: () => void;
}

/** An annotated picture of each frame that has a result; the folder is made. @throws OUTPUT_FAILED */
export function openPictures(folder: string): PictureSink {
  makeFolder(folder);
  return new PictureSink(folder);
}

/**
 * Encodes and writes beside the run. Whoever waits for `caughtUp` before each frame loses no picture;
 * whoever cannot wait loses those that come faster than they can be written.
 */
export class PictureSink implements OutcomeSink {
  readonly keepsFrames = true;
  private readonly work = new LimitedWork<Job>(LIMITS, (job) => this.save(job));
  private failure: AiwError | undefined;
  private written = 0;
  private leftOut = 0;

  constructor(
    private readonly folder: string,
    private readonly encode = encodeJpeg,
  ) {}

  /** @throws OUTPUT_FAILED once a picture before this one could not be written */
  write(outcome: FrameOutcome): void {
    if (this.failure !== undefined) throw this.failure;
    if (!isResult(outcome)) return;
    const { frame: kept } = outcome;
    if (kept === undefined) throw new Error("pictures need a stream that keeps its frames");
    const job = { outcome, frame: kept.frame, letGo: kept.keep() };
    if (!this.work.offer(job)) this.leaveOut(job);
  }

  caughtUp(): Promise<void> | undefined {
    return this.work.whenFree();
  }

  /** Those in progress are always waited for: none is left half. */
  async close(giveUp: AbortSignal): Promise<void> {
    const leaveWaiting = () => this.leaveWaiting();
    if (giveUp.aborted) leaveWaiting();
    giveUp.addEventListener("abort", leaveWaiting);
    await this.work.whenDone();
    giveUp.removeEventListener("abort", leaveWaiting);
    if (this.failure !== undefined) throw this.failure;
  }

  summary(): string {
    const pictures = `pictures: ${this.written} in ${this.folder}`;
    return this.leftOut === 0 ? pictures : `${pictures}, ${this.leftOut} left out for want of time`;
  }

  private async save({ outcome, frame, letGo }: Job): Promise<void> {
    const path = join(this.folder, pictureName(outcome.origin.source, outcome.seq));
    try {
      const overlay = overlaySvg(outcome.sent, outcome.detections, outcome.truth);
      const jpeg = await this.encode(frame, overlay);
      letGo();
      await writeWholeFile(path, jpeg);
      this.written++;
    } catch (error) {
      this.failure ??= error instanceof AiwError ? error : outputFailed(path, error);
      this.leaveWaiting();
    } finally {
      letGo();
    }
  }

  private leaveWaiting(): void {
    for (const job of this.work.takeWaiting()) this.leaveOut(job);
  }

  private leaveOut({ letGo }: Job): void {
    this.leftOut++;
    letGo();
  }
}
