import { after, type Cancel } from "../core/clock.js";
import { AiwError, toAiwError } from "../core/errors.js";
import type { Frame, SourceItem } from "../frame/frame.js";
import { FramePool, type PooledBuffer } from "../frame/frame-pool.js";
import { frameBytes, type PixelFormat } from "../frame/pixel-format.js";
import { type FfmpegInput, ffmpegArgs, type SyncOption } from "./ffmpeg-args.js";
import { ffmpegFailure, notAVideo } from "./ffmpeg-failure.js";
import type { FfmpegHeader } from "./ffmpeg-log.js";
import { type FfmpegEnd, FfmpegProcess } from "./ffmpeg-process.js";
import { FrameAssembler } from "./frame-assembler.js";
import { FrameQueue } from "./frame-queue.js";
import type { FrameSource, SourceOptions } from "./frame-source.js";

/** Frames that wait for their consumer, besides the one that is being read. */
const WAITING_FRAMES = 2;
/** How long a camera may take to answer, and to send its next frame. */
const OPEN_LIMIT_US = 20_000_000;
const STALL_LIMIT_US = 10_000_000;

/** Binaries (by path) that were found to be older than `-fps_mode`. */
const oldBinaries = new Set<string>();

/**
 * A video file or camera, decoded and scaled by ffmpeg as a subprocess. Its raw frames are read
 * straight into pooled buffers.
 * @throws SOURCE_UNDECODABLE for a file without video that can be decoded, with ffmpeg's reason;
 * SOURCE_NOT_FOUND or SOURCE_LOST for a camera that cannot be opened; FFMPEG_MISSING; FFMPEG_FAILED;
 * INTERRUPTED.
 */
export async function openFfmpeg(input: FfmpegInput, options: SourceOptions): Promise<FrameSource> {
  const source = new FfmpegSource(input, options, await options.ffmpeg());
  const interrupt = () => void source.close();
  options.signal?.addEventListener("abort", interrupt);
  try {
    if (options.signal?.aborted) throw interrupted(input);
    await source.open();
    return source;
  } catch (error) {
    await source.close();
    throw options.signal?.aborted ? interrupted(input) : error;
  } finally {
    options.signal?.removeEventListener("abort", interrupt);
  }
}

function interrupted(input: FfmpegInput): AiwError {
  return new AiwError("INTERRUPTED", `interrupted while opening ${input.name}`);
}

/** One run of ffmpeg. A loop has several, one after another. */
interface Run {
  readonly process: FfmpegProcess;
  readonly header: FfmpegHeader;
  readonly assembler: FrameAssembler;
}

class FfmpegSource implements FrameSource {
  readonly name: string;
  live = false;
  rateFps: number | null = null;
  private state: "opening" | "open" | "closed" = "opening";
  readonly format: PixelFormat;
  private queue: FrameQueue<Frame>;
  private process: FfmpegProcess | undefined;
  private restarting: Promise<void> | undefined;
  private pool: FramePool | undefined;
  private framesOfRun = 0;
  private cpuOfEndedRunsUs = 0;
  private stalled: AiwError | undefined;
  private cancelWatch: Cancel = () => {};

  constructor(
    private readonly input: FfmpegInput,
    private readonly options: SourceOptions,
    private readonly binary: string,
  ) {
    this.name = input.name;
    this.format = options.pixelFormat === "auto" ? "i420" : options.pixelFormat;
    this.queue = this.newQueue();
  }

  /** Starts ffmpeg and waits until it has said what comes. */
  async open(): Promise<void> {
    const run = await this.startRun();
    if (this.isClosed()) throw interrupted(this.input);
    // What has a known length is a recording that can wait, wherever it comes from.
    this.live = this.input.kind === "camera" && !run.header.hasDuration;
    this.rateFps = run.header.fps;
    this.queue = this.newQueue();
    this.state = "open";
    this.beginFrames(run);
  }

  async *frames(): AsyncGenerator<SourceItem, void, undefined> {
    // What came before anybody asked is not missed.
    this.queue.dropped = 0;
    try {
      yield* this.queue.drain();
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    this.state = "closed";
    this.cancelWatch();
    this.queue.abandon();
    await this.process?.stop();
    await this.restarting;
  }

  cpuUs(): number | null {
    const current = this.process?.cpuUs() ?? null;
    return current === null && this.cpuOfEndedRunsUs === 0 ? null : this.cpuOfEndedRunsUs + (current ?? 0);
  }

  overruns(): number {
    return this.queue.dropped;
  }

  private async startRun(): Promise<Run> {
    const { binary, input, format, options } = this;
    const sync: SyncOption = oldBinaries.has(binary) ? "-vsync" : "-fps_mode";
    const { process, assembler } = await this.spawn(ffmpegArgs(input, options.size, format, sync));
    if (input.kind === "camera") this.watch(OPEN_LIMIT_US, "did not answer");
    await process.headed;
    this.cancelWatch();
    const { log } = process;
    if (log.header === undefined) {
      if (log.unknownOption === "fps_mode" && sync === "-fps_mode") {
        oldBinaries.add(binary);
        return this.startRun();
      }
      throw this.stalled ?? ffmpegFailure({ input, binary, log, end: await process.exited, frames: 0 });
    }
    const refusal = notAVideo(input, log.header);
    if (refusal !== null) throw refusal;
    return { process, header: log.header, assembler };
  }

  private async spawn(args: readonly string[]) {
    this.framesOfRun = 0;
    let take: (buffer: PooledBuffer) => boolean = () => false;
    const assembler = new FrameAssembler((buffer) => take(buffer));
    const { binary, input, options } = this;
    const process = await FfmpegProcess.start({
      binary,
      args,
      assembler,
      mask: input.mask,
      clock: options.clock,
    });
    take = (buffer) => this.takeFrame(process, buffer);
    this.cpuOfEndedRunsUs += this.process?.cpuUs() ?? 0;
    this.process = process;
    if (this.isClosed()) await process.stop();
    return { process, assembler };
  }

  private beginFrames({ process, header, assembler }: Run): void {
    if (this.isClosed()) return;
    const bytes = frameBytes(this.format, header.output);
    if (this.pool?.bytes !== bytes) this.pool = new FramePool(bytes);
    assembler.begin(this.pool);
    if (this.live) this.watch(STALL_LIMIT_US, "sent nothing more");
    process.resume();
    void process.finished.then((end) => {
      assembler.discardPartial();
      this.endOfRun(process, end);
    });
  }

  private takeFrame({ log }: FfmpegProcess, { data, release }: PooledBuffer): boolean {
    if (this.isClosed() || log.header === undefined) {
      release();
      return false;
    }
    this.framesOfRun += 1;
    if (this.live) this.watch(STALL_LIMIT_US, "sent nothing more");
    const { output, native } = log.header;
    return this.queue.push({
      data,
      release,
      width: output.width,
      height: output.height,
      format: this.format,
      origin: { source: this.name, width: native.width, height: native.height },
      capturedAtUs: this.options.clock.nowUs(),
    });
  }

  private endOfRun({ log }: FfmpegProcess, end: FfmpegEnd): void {
    this.cancelWatch();
    if (this.isClosed()) return;
    const { input, binary, framesOfRun: frames } = this;
    const isWhole = end.code === 0 && frames > 0 && log.cutShort === undefined && !this.live;
    if (this.stalled !== undefined) this.queue.end(this.stalled);
    else if (!isWhole) this.queue.end(ffmpegFailure({ input, binary, log, end, frames }));
    else if (this.options.loop) this.restarting = this.startAgain();
    else this.queue.end();
  }

  /** ffmpeg's own -stream_loop seeks, which not every container can; a new run always works. */
  private async startAgain(): Promise<void> {
    try {
      this.beginFrames(await this.startRun());
    } catch (error) {
      this.queue.end(toAiwError(error));
    }
  }

  /** Gives up on a camera that says nothing for too long. */
  private watch(limitUs: number, what: string): void {
    this.cancelWatch();
    this.cancelWatch = after(this.options.clock, limitUs, () => {
      this.stalled = new AiwError("SOURCE_LOST", `${this.name} ${what} for ${limitUs / 1e6} s`);
      void this.process?.stop();
    });
  }

  private newQueue(): FrameQueue<Frame> {
    return new FrameQueue({
      limit: WAITING_FRAMES,
      overflow: this.live ? "dropOldest" : "wait",
      onRoom: () => this.process?.resume(),
      discard: (frame) => frame.release(),
    });
  }

  private isClosed(): boolean {
    return this.state === "closed";
  }
}
