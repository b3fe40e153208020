import type { PixelFormat } from "../frame/pixel-format.js";
import { backoffMs } from "../core/backoff.js";
import { after, type Cancel, type Clock } from "../core/clock.js";
import { AiwError, toAiwError } from "../core/errors.js";
import { plural } from "../core/plural.js";
import type { Frame, SourceItem } from "../frame/frame.js";
import { type CameraChange, type CameraEvent, type CameraState, nextCameraState } from "./camera-state.js";
import type { FfmpegEnd } from "./ffmpeg-process.js";
import type { FfmpegRun, FfmpegRuns } from "./ffmpeg-runs.js";
import { FrameQueue } from "./frame-queue.js";
import type { CameraOptions, FrameSource } from "./frame-source.js";
import { SilenceWatch } from "./silence-watch.js";

/** Frames that wait for their consumer, besides the one that is being read. */
const WAITING_FRAMES = 2;
/** From when on we count as too slow: so long has no frame found room. */
const BLOCKED_AFTER_US = 1_000_000;
/** Longest bound between two attempts: a camera that is back should be seen within seconds. */
const LONGEST_WAIT_MS = 2_000;
/** What held for so long counts as a connection, after which the waits begin anew. */
const SETTLED_US = 10_000_000;

/**
 * A live stream. Frames that nobody takes in time give way to younger ones. Once it has given a frame, it
 * is opened again whenever it is lost, for as long as the options say.
 */
export class CameraSource implements FrameSource {
  readonly name: string;
  readonly format: PixelFormat;
  readonly live = true;
  rateFps: number | null = null;
  private state: CameraState | "closed" = "connecting";
  private readonly clock: Clock;
  private readonly queue: FrameQueue<Frame>;
  private readonly watch: SilenceWatch;
  private run: FfmpegRun | undefined;
  private opening: Promise<void> | undefined;
  private silence: AiwError | undefined;
  /** Why it was lost last. */
  private loss: AiwError | undefined;
  private liveSinceUs: number | undefined;
  private hasBeenLive = false;
  private attempt = 0;
  private cancelRetry: Cancel = () => {};
  private cancelGiveUp: Cancel | undefined;
  /** When a frame last found room; endless while nobody looks at them yet. */
  private roomAtUs = Number.POSITIVE_INFINITY;

  constructor(
    private readonly runs: FfmpegRuns,
    first: FfmpegRun,
    private readonly options: CameraOptions = { waitUs: 0 },
  ) {
    this.name = runs.name;
    this.format = runs.format;
    this.clock = runs.clock;
    this.queue = new FrameQueue({
      limit: WAITING_FRAMES,
      overflow: "dropOldest",
      discard: (frame) => frame.release(),
    });
    this.watch = new SilenceWatch(runs.clock, {
      onSilence: (us) => this.step("silence", `no frame for ${seconds(us)}`),
      onHeldUp: (us) => this.step("overrun", `aiw itself stood still for ${seconds(us)}`),
      onDead: (us) => this.giveUpRun(us),
    });
    this.read(first);
  }

  async *frames(): AsyncGenerator<SourceItem, void, undefined> {
    // What came before anybody asked is not missed.
    this.queue.dropped = 0;
    this.roomAtUs = this.clock.nowUs();
    try {
      yield* this.queue.drain();
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    this.state = "closed";
    this.watch.stop();
    this.cancelRetry();
    this.cancelGiveUp?.();
    this.queue.abandon();
    await this.runs.stop();
    await this.opening;
  }

  cpuUs(): number | null {
    return this.runs.cpuUs();
  }

  overruns(): number {
    return this.queue.dropped;
  }

  private read(run: FfmpegRun): void {
    if (this.state === "closed") return;
    this.run = run;
    this.rateFps = run.header.fps;
    this.silence = undefined;
    this.watch.start(run.header.fps);
    run.begin((frame) => this.takeFrame(run, frame));
    void run.ended.then((end) => this.endOfRun(run, end));
  }

  private takeFrame(run: FfmpegRun, frame: Frame): boolean {
    if (this.run !== run) {
      frame.release();
      return true;
    }
    if (run.isOutgrown) {
      frame.release();
      this.openForNewSize(run, frame);
      return true;
    }
    this.watch.heard();
    const atUs = frame.capturedAtUs;
    const gaveWay = this.queue.dropped;
    this.queue.push(frame);
    if (this.queue.dropped === gaveWay && Number.isFinite(this.roomAtUs)) this.roomAtUs = atUs;
    const isBlocked = atUs - this.roomAtUs >= BLOCKED_AFTER_US;
    if (isBlocked) this.step("overrun", "its frames come faster than they are taken");
    else if (this.state !== "live") this.goLive(run, frame);
    return true;
  }

  private goLive({ header }: FfmpegRun, { origin, capturedAtUs }: Frame): void {
    this.liveSinceUs ??= capturedAtUs;
    this.hasBeenLive = true;
    this.cancelGiveUp?.();
    this.cancelGiveUp = undefined;
    const rate = header.fps === null ? "" : ` at ${header.fps} fps`;
    this.step("frame", `${origin.width}x${origin.height}${rate}`);
  }

  /** Frames of another shape: the boxes would be right, but the pictures squeezed. */
  private openForNewSize(run: FfmpegRun, { origin }: Frame): void {
    this.run = undefined;
    this.watch.stop();
    this.step("resized", `its frames have ${origin.width}x${origin.height} now`);
    this.opening = run.stop().then(() => this.open());
  }

  private giveUpRun(silentUs: number): void {
    const { run } = this;
    if (run === undefined) return;
    const message = `${this.name} sent nothing more for ${seconds(silentUs)}`;
    this.silence = new AiwError("SOURCE_LOST", message, { detail: run.log.lastWords() });
    void run.stop();
  }

  private endOfRun(run: FfmpegRun, end: FfmpegEnd): void {
    if (this.run !== run) return;
    const isEnd = this.silence === undefined && end.code === 0 && run.log.brokenBy === undefined;
    const error = this.silence ?? this.runs.failureOf(run, end);
    if (isEnd) this.lose("ended", error, `after ${plural(run.frames, "frame")}`);
    else this.lose("broke", error);
  }

  private lose(how: "ended" | "broke", error: AiwError, text = withoutName(this.name, error.message)): void {
    if (this.state === "closed") return;
    this.run = undefined;
    this.watch.stop();
    this.loss = error;
    const nowUs = this.clock.nowUs();
    const hadSettled = this.liveSinceUs !== undefined && nowUs - this.liveSinceUs >= SETTLED_US;
    this.attempt = hadSettled ? 0 : this.attempt;
    this.liveSinceUs = undefined;
    const { waitUs, random } = this.options;
    const isOver = !this.hasBeenLive || waitUs <= 0;
    this.step(how, text, { detail: error.detail, isAwaited: !isOver });
    if (isOver) return this.queue.end(error);
    if (Number.isFinite(waitUs)) this.cancelGiveUp ??= after(this.clock, waitUs, () => this.giveUp());
    const waitMs = backoffMs(this.attempt++, { random, longestMs: LONGEST_WAIT_MS });
    this.cancelRetry = after(this.clock, Math.ceil(waitMs * 1000), () => {
      this.step("retry", "");
      this.opening = this.open();
    });
  }

  private async open(): Promise<void> {
    try {
      this.read(await this.runs.start());
    } catch (thrown) {
      this.lose("broke", toAiwError(thrown));
    }
  }

  /** It was away for too long. */
  private giveUp(): void {
    const why = this.loss === undefined ? "" : `: ${withoutName(this.name, this.loss.message)}`;
    const message = `${this.name} was away for ${seconds(this.options.waitUs)}${why}`;
    const error = new AiwError("SOURCE_LOST", message, { cause: this.loss });
    this.state = "closed";
    this.cancelRetry();
    this.watch.stop();
    this.queue.end(error);
    void this.runs.stop();
  }

  private step(
    event: CameraEvent,
    text: string,
    loss: Partial<Pick<CameraChange, "detail" | "isAwaited">> = {},
  ) {
    if (this.state === "closed") return;
    const from = this.state;
    const to = nextCameraState(from, event);
    if (to === from) return;
    this.state = to;
    const { detail, isAwaited = false } = loss;
    const atUs = this.clock.nowUs();
    this.options.onChange?.({ source: this.name, from, to, text, detail, isAwaited, atUs });
  }
}

function seconds(us: number): string {
  return `${Math.round(us / 1e5) / 10} s`;
}

/** Who says it names the camera himself. */
function withoutName(name: string, message: string): string {
  return message.startsWith(`${name} `) ? message.slice(name.length + 1) : message;
}
