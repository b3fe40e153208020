import { join } from "node:path";
import type { Clock } from "../../core/clock.js";
import { systemCode } from "../../core/errors.js";
import type { CloseReason } from "../../results/agent-event.js";
import { type FrameOutcome, type FrameResult, isResult } from "../../results/frame-outcome.js";
import { detectionRecord } from "../../results/record.js";
import type { DiskQueue } from "./disk-queue.js";
import { replaceFile } from "./files.js";
import { type EncodePicture, Poster } from "./poster.js";
import { POSTER, type SessionHeader } from "./session-file.js";
import { SessionWriter, type WriterOptions } from "./session-writer.js";

/** By how much the wall clock may differ from the monotonic one at the end and still be believed, milliseconds. */
const CLOCKS_AGREE_MS = 1000;

/** What was seen first longer ago than this was not: the clock was set. */
const LONGEST_DWELL_MS = 60_000;

export interface SessionEnd {
  /** Wall clock; a clock that was set meanwhile is not believed. */
  readonly endWallMs: number;
  readonly reason: CloseReason;
}

export interface RecordOptions extends WriterOptions {
  readonly queue: DiskQueue;
  readonly clock: Clock;
  readonly encode?: EncodePicture | undefined;
  /** A line for people, once a session. */
  readonly onNote: (text: string) => void;
  /** Told of each frame that could not be recorded. */
  readonly onLeftOut?: () => void;
}

/** A session that is open, whose frames are written as they come. None of its methods throws, or waits for the disk. */
export class SessionRecord {
  readonly sessionId: string;
  private readonly writer: SessionWriter;
  private readonly posterMaker: Poster;
  private readonly startedUs: number;
  private readonly modelId: string;
  private leftOut = 0;
  private isWarned = false;
  private closing: Promise<void> | undefined;
  private sayClosed: () => void = () => {};
  /** Resolves when `close` has done what it could. */
  readonly closed = new Promise<void>((resolve) => (this.sayClosed = resolve));
  /** Resolves when its folder is there, or could not be made at once. */
  readonly begun: Promise<void>;

  constructor(
    readonly folder: string,
    header: SessionHeader,
    private readonly options: RecordOptions,
  ) {
    const { clock, queue } = options;
    this.sessionId = header.session_id;
    this.modelId = header.model_id ?? "";
    // What it is about was seen before it was confirmed.
    const alreadyMs = Math.min(LONGEST_DWELL_MS, Math.max(0, clock.wallMs() - Date.parse(header.start)));
    this.startedUs = clock.nowUs() - alreadyMs * 1000;
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

  /** Resolves when it is closed on disk, or can't be: then it is left for the next start. Only the first call counts. */
  close(end: SessionEnd): Promise<void> {
    const { clock, queue } = this.options;
    // As it is now, however long the last poster takes.
    const lengthMs = (clock.nowUs() - this.startedUs) / 1000;
    this.closing ??= this.posterMaker.settled().then(() =>
      queue.submit(async () => {
        const ending = { endWallMs: this.endOf(end, lengthMs), reason: end.reason };
        await this.attempt(() => this.writer.end(ending, this.leftOut));
        await this.writer.release();
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

  private endOf({ endWallMs }: SessionEnd, lengthMs: number): number {
    const expectedMs = this.writer.startMs + lengthMs;
    return Math.abs(endWallMs - expectedMs) <= CLOCKS_AGREE_MS ? endWallMs : expectedMs;
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
