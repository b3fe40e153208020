import { join } from "node:path";
import { systemCode } from "../../core/errors.js";
import type { CloseReason } from "../../results/agent-event.js";
import { type FrameOutcome, type FrameResult, isResult } from "../../results/frame-outcome.js";
import { detectionRecord } from "../../results/record.js";
import type { DiskQueue } from "./disk-queue.js";
import { replaceFile } from "./files.js";
import { type EncodePicture, Poster } from "./poster.js";
import { POSTER, type SessionHeader } from "./session-file.js";
import { SessionWriter, type WriterOptions } from "./session-writer.js";
import type { CloseOnDisk } from "./unclosed.js";

export interface SessionEnd {
  /** The start and the session's length, so that a wall clock that was set meanwhile does no harm. */
  readonly endWallMs: number;
  readonly reason: CloseReason;
}

export interface RecordOptions extends WriterOptions {
  readonly queue: DiskQueue;
  readonly encode?: EncodePicture | undefined;
  /** A line for people, once a session. */
  readonly onNote: (text: string) => void;
  /** Told where the disk did not let it be closed, with what tries that again. */
  readonly onUnclosed: (closeOnDisk: CloseOnDisk) => void;
  /** Told of each frame that could not be recorded. */
  readonly onLeftOut?: () => void;
}

/** A session that is open, whose frames are written as they come. None of its methods throws, or waits for the disk. */
export class SessionRecord {
  readonly sessionId: string;
  private readonly writer: SessionWriter;
  private readonly posterMaker: Poster;
  private readonly modelId: string;
  private leftOut = 0;
  private isWarned = false;
  private closing: Promise<void> | undefined;
  private sayClosed: () => void = () => {};
  /** Resolves when `close` has done what it could at once. */
  readonly closed = new Promise<void>((resolve) => (this.sayClosed = resolve));
  /** Resolves when its folder is there, or could not be made at once. */
  readonly begun: Promise<void>;

  constructor(
    readonly folder: string,
    header: SessionHeader,
    private readonly options: RecordOptions,
  ) {
    const { queue } = options;
    this.sessionId = header.session_id;
    this.modelId = header.model_id ?? "";
    this.writer = new SessionWriter(folder, header, options);
    this.posterMaker = new Poster(
      (jpeg) => void queue.submit(() => this.savePoster(jpeg), jpeg.length),
      (error) => this.warn(error),
      options.encode,
    );
    this.begun = queue.submit(() => this.attempt(() => this.writer.begin()).then(() => {}));
  }

  /** A frame's record, as a line of its own. */
  append(outcome: FrameOutcome): void {
    const { queue } = this.options;
    if (this.closing !== undefined) return;
    if (queue.isFull) {
      this.leaveOut();
      this.warn(new Error("the disk is too slow"));
      return;
    }
    const line = Buffer.from(`${JSON.stringify(detectionRecord(outcome, this.modelId))}\n`);
    const counted = isResult(outcome) ? { latency: outcome.latency, detections: outcome.detections } : null;
    void queue.submit(async () => {
      if (!(await this.attempt(() => this.writer.append(line, counted)))) this.leaveOut();
    }, line.length);
  }

  /**
   * A frame that may become the poster, with its detections drawn in; of a stream that keeps its frames.
   * @param confidence the highest of what is relevant in it
   */
  poster(outcome: FrameResult, confidence: number): void {
    if (this.closing === undefined && !this.options.queue.isFull) this.posterMaker.offer(outcome, confidence);
  }

  /** Resolves when it is closed on disk, or that failed and `onUnclosed` was told. Only the first call counts. */
  close(end: SessionEnd): Promise<void> {
    this.closing ??= this.posterMaker.settled().then(() =>
      this.options.queue.submit(async () => {
        const closeOnDisk = () => this.closeOnDisk(end);
        if (!(await closeOnDisk())) this.options.onUnclosed(closeOnDisk);
        this.sayClosed();
      }),
    );
    return this.closing;
  }

  /** Whether `close` was called, or `abandon`. */
  get isClosing(): boolean {
    return this.closing !== undefined;
  }

  /** Writes nothing more, and leaves it open on disk for the next start, where it was not closed. */
  abandon(): void {
    this.posterMaker.giveUp();
    this.closing ??= this.options.queue.submit(async () => {
      await this.writer.release();
      this.sayClosed();
    });
  }

  /** Of a frame that waits to become the poster. */
  letGo(): void {
    this.posterMaker.giveUp();
  }

  private leaveOut(): void {
    this.leftOut++;
    this.options.onLeftOut?.();
  }

  private async closeOnDisk(end: SessionEnd): Promise<boolean> {
    const isClosed = await this.attempt(() => this.writer.end(end, this.leftOut));
    await this.writer.release();
    return isClosed;
  }

  private async savePoster(jpeg: Uint8Array): Promise<void> {
    const { files } = this.options;
    const write = () => replaceFile(files, join(this.folder, POSTER), jpeg);
    if (await this.attempt(() => this.writer.makeFolder().then(write))) this.writer.hasPoster = true;
  }

  private async attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.warn(error);
      return false;
    }
  }

  private warn(error: unknown): void {
    if (this.isWarned) return;
    this.isWarned = true;
    const reason = systemCode(error) ?? (error instanceof Error ? error.message : String(error));
    this.options.onNote(
      `session ${this.sessionId} is not wholly written (${reason}); the watch goes on without it`,
    );
  }
}
