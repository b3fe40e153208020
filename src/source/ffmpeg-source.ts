import type { PixelFormat } from "../frame/pixel-format.js";
import { AiwError, toAiwError } from "../core/errors.js";
import type { Frame, SourceItem } from "../frame/frame.js";
import { CameraSource } from "./camera-source.js";
import type { FfmpegInput } from "./ffmpeg-args.js";
import type { FfmpegEnd } from "./ffmpeg-process.js";
import { type FfmpegRun, FfmpegRuns } from "./ffmpeg-runs.js";
import { FrameQueue } from "./frame-queue.js";
import type { FrameSource, SourceOptions } from "./frame-source.js";

/** Frames that wait for their consumer, besides the one that is being read. */
const WAITING_FRAMES = 2;

/**
 * A video file or camera, decoded and scaled by ffmpeg as a subprocess. Its raw frames are read
 * straight into pooled buffers.
 * @throws SOURCE_UNDECODABLE for a file without video that can be decoded, with ffmpeg's reason;
 * SOURCE_NOT_FOUND or SOURCE_LOST for a camera that cannot be opened; FFMPEG_MISSING; FFMPEG_FAILED;
 * INTERRUPTED.
 */
export async function openFfmpeg(input: FfmpegInput, options: SourceOptions): Promise<FrameSource> {
  const runs = new FfmpegRuns(input, options, await options.ffmpeg());
  const interrupt = () => void runs.stop();
  options.signal?.addEventListener("abort", interrupt);
  try {
    if (options.signal?.aborted) throw interrupted(input);
    const first = await runs.start();
    if (options.signal?.aborted) throw interrupted(input);
    // What has a known length is a recording that can wait, wherever it comes from.
    const isLive = input.kind === "camera" && !first.header.hasDuration && input.isRecording !== true;
    return isLive
      ? new CameraSource(runs, first, options.camera)
      : new VideoSource(runs, first, options.loop);
  } catch (error) {
    await runs.stop();
    throw options.signal?.aborted ? interrupted(input) : error;
  } finally {
    options.signal?.removeEventListener("abort", interrupt);
  }
}

function interrupted(input: FfmpegInput): AiwError {
  return new AiwError("INTERRUPTED", `interrupted while opening ${input.name}`);
}

/** What has an end and waits for who looks at it. */
class VideoSource implements FrameSource {
  readonly name: string;
  readonly live = false;
  readonly format: PixelFormat;
  readonly rateFps: number | null;
  private isClosed = false;
  private readonly queue: FrameQueue<Frame>;
  private run: FfmpegRun;
  private restarting: Promise<void> | undefined;

  constructor(
    private readonly runs: FfmpegRuns,
    first: FfmpegRun,
    private readonly loop: boolean,
  ) {
    this.name = runs.name;
    this.format = runs.format;
    this.rateFps = first.header.fps;
    this.run = first;
    this.queue = new FrameQueue({
      limit: WAITING_FRAMES,
      overflow: "wait",
      onRoom: () => this.run.resume(),
      discard: (frame) => frame.release(),
    });
    this.read(first);
  }

  async *frames(): AsyncGenerator<SourceItem, void, undefined> {
    try {
      yield* this.queue.drain();
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.queue.abandon();
    await this.runs.stop();
    await this.restarting;
  }

  cpuUs(): number | null {
    return this.runs.cpuUs();
  }

  private read(run: FfmpegRun): void {
    if (this.isClosed) return;
    this.run = run;
    run.begin((frame) => this.queue.push(frame));
    void run.ended.then((end) => this.endOfRun(run, end));
  }

  private endOfRun(run: FfmpegRun, end: FfmpegEnd): void {
    if (this.isClosed) return;
    const isWhole = end.code === 0 && run.frames > 0 && run.log.cutShort === undefined;
    if (!isWhole) this.queue.end(this.runs.failureOf(run, end));
    else if (this.loop) this.restarting = this.startAgain();
    else this.queue.end();
  }

  /** ffmpeg's own -stream_loop seeks, which not every container can; a new run always works. */
  private async startAgain(): Promise<void> {
    try {
      this.read(await this.runs.start());
    } catch (error) {
      this.queue.end(toAiwError(error));
    }
  }
}
