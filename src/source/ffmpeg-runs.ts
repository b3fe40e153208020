import { after } from "../core/clock.js";
import { AiwError } from "../core/errors.js";
import type { Frame } from "../frame/frame.js";
import { FramePool, type PooledBuffer } from "../frame/frame-pool.js";
import { fitInside, frameBytes, type PixelFormat, type Size } from "../frame/pixel-format.js";
import { type FfmpegInput, ffmpegArgs, type SyncOption } from "./ffmpeg-args.js";
import { ffmpegFailure, notAVideo } from "./ffmpeg-failure.js";
import type { FfmpegHeader } from "./ffmpeg-log.js";
import { type FfmpegEnd, FfmpegProcess } from "./ffmpeg-process.js";
import { libavformatMajor } from "./ffmpeg-version.js";
import { FrameAssembler } from "./frame-assembler.js";
import type { SourceOptions } from "./frame-source.js";

/** How long a camera may take to answer. */
const OPEN_LIMIT_US = 20_000_000;

/** Binaries (by path) that were found to be older than `-fps_mode`. */
const oldBinaries = new Set<string>();

/** Runs of ffmpeg on one input, one after another: a loop has several, and a camera that was lost. */
export class FfmpegRuns {
  readonly name: string;
  readonly format: PixelFormat;
  readonly size: Size | "native";
  readonly clock;
  private process: FfmpegProcess | undefined;
  private pool: FramePool | undefined;
  private cpuOfEndedRunsUs = 0;
  private isStopped = false;

  constructor(
    readonly input: FfmpegInput,
    options: SourceOptions,
    private readonly binary: string,
  ) {
    this.name = input.name;
    this.format = options.pixelFormat === "auto" ? "i420" : options.pixelFormat;
    this.size = options.size;
    this.clock = options.clock;
  }

  /**
   * Starts one and waits until it has said what comes; the one before it must have ended.
   * @throws as openFfmpeg
   */
  async start(): Promise<FfmpegRun> {
    const { binary, input, size, format } = this;
    const plan = typeof input.plan === "object" ? input.plan : input.plan(await libavformatMajor(binary));
    const sync: SyncOption = oldBinaries.has(binary) ? "-vsync" : "-fps_mode";
    const args = ffmpegArgs(plan, size, format, sync);
    const { process, assembler, hand } = await this.spawn(args, plan.stdin);
    const silent = await this.whenHeaded(process);
    const { log } = process;
    if (log.header === undefined) {
      if (log.unknownOption === "fps_mode" && sync === "-fps_mode") {
        oldBinaries.add(binary);
        return this.start();
      }
      throw silent ?? ffmpegFailure({ input, binary, log, end: await process.exited, frames: 0 });
    }
    const refusal = notAVideo(input, log.header);
    if (refusal !== null) {
      await process.stop();
      throw refusal;
    }
    const bytes = frameBytes(format, log.header.output);
    if (this.pool?.bytes !== bytes) this.pool = new FramePool(bytes);
    return new FfmpegRun(this, process, log.header, assembler, this.pool, hand);
  }

  /** Why a run that ended did so, in ffmpeg's own words. */
  failureOf(run: FfmpegRun, end: FfmpegEnd): AiwError {
    const { input, binary } = this;
    return ffmpegFailure({ input, binary, log: run.log, end, frames: run.frames });
  }

  /** CPU time of them all, microseconds. */
  cpuUs(): number | null {
    const current = this.process?.cpuUs() ?? null;
    return current === null && this.cpuOfEndedRunsUs === 0 ? null : this.cpuOfEndedRunsUs + (current ?? 0);
  }

  /** Ends the one that runs or is starting; none starts any more. Resolves when it has ended. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.process?.stop();
  }

  private async spawn(args: readonly string[], stdin: string | undefined) {
    let take: TakeBuffer = () => false;
    const assembler = new FrameAssembler((buffer) => take(buffer));
    const { binary, clock } = this;
    const { mask } = this.input;
    const process = await FfmpegProcess.start({ binary, args, stdin, assembler, mask, clock });
    this.cpuOfEndedRunsUs += this.process?.cpuUs() ?? 0;
    this.process = process;
    if (this.isStopped) await process.stop();
    return { process, assembler, hand: (taker: TakeBuffer) => (take = taker) };
  }

  /** @returns what is wrong with a camera that did not answer in time */
  private async whenHeaded(process: FfmpegProcess): Promise<AiwError | undefined> {
    let silent: AiwError | undefined;
    const giveUp = () => {
      const waited = `${OPEN_LIMIT_US / 1e6} s`;
      silent = new AiwError("SOURCE_LOST", `${this.name} did not answer for ${waited}`, {
        detail: process.log.lastWords(),
      });
      void process.stop();
    };
    const cancel = this.input.kind === "camera" ? after(this.clock, OPEN_LIMIT_US, giveUp) : () => {};
    await process.headed;
    cancel();
    return silent;
  }
}

type TakeBuffer = (buffer: PooledBuffer) => boolean;

/** One run of ffmpeg of which it is known what comes. */
export class FfmpegRun {
  /** Frames that came. */
  frames = 0;
  /** Resolves when it has ended and all its output was read. */
  readonly ended: Promise<FfmpegEnd>;

  constructor(
    private readonly runs: FfmpegRuns,
    private readonly process: FfmpegProcess,
    /** As it was at the start. */
    readonly header: FfmpegHeader,
    private readonly assembler: FrameAssembler,
    private readonly pool: FramePool,
    private readonly hand: (take: TakeBuffer) => void,
  ) {
    this.ended = process.finished.then((end) => {
      assembler.discardPartial();
      return end;
    });
  }

  get log() {
    return this.process.log;
  }

  /**
   * True once the stream's frames have a size for which another would have to come out. ffmpeg itself stays
   * with the size of the first, so that the pictures are whole, but squeezed.
   */
  get isOutgrown(): boolean {
    const { header } = this.log;
    if (header === undefined || header.native === this.header.native) return false;
    const { size, format } = this.runs;
    const { native } = header;
    const fits = fitInside(native, size === "native" ? native : size, format);
    return fits.width !== this.header.output.width || fits.height !== this.header.output.height;
  }

  /** Lets the frames come. @param onFrame takes one over; false means: stop reading until `resume` */
  begin(onFrame: (frame: Frame) => boolean): void {
    const { format, name, clock } = this.runs;
    const { output } = this.header;
    this.hand(({ data, release }) => {
      this.frames += 1;
      const native = this.log.header?.native ?? output;
      return onFrame({
        data,
        release,
        width: output.width,
        height: output.height,
        format,
        origin: { source: name, width: native.width, height: native.height },
        // Its last byte has just come.
        capturedAtUs: clock.nowUs(),
      });
    });
    this.assembler.begin(this.pool);
    this.process.resume();
  }

  resume(): void {
    this.process.resume();
  }

  /** Resolves when it has ended. */
  stop(): Promise<void> {
    return this.process.stop();
  }
}
