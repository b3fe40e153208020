import type { Clock } from "../core/clock.js";
import type { SourceItem } from "../frame/frame.js";
import type { PixelFormat, Size } from "../frame/pixel-format.js";
import type { CameraChange } from "./camera-state.js";

/** Where frames come from. */
export interface FrameSource {
  /** Name for people and records, credentials masked. */
  readonly name: string;
  /** True for cameras: frames come at their own rate, and who is too slow must drop, not wait. */
  readonly live: boolean;
  /** Of every frame. */
  readonly format: PixelFormat;
  /** The source's own rate, if it has one and it is known (a video's; null for pictures). */
  readonly rateFps: number | null;
  /**
   * The frames in order, once. A source that is not live reads ahead at most a few frames and then
   * waits for its consumer. Ends when the source ends or `close` was called.
   * @throws AiwError when the source breaks; what was yielded before stands.
   */
  frames(): AsyncGenerator<SourceItem, void, undefined>;
  /** From now on it gives its first frame and those after it, once more; only sources that cost nothing by it. */
  rewind?(): void;
  /** Stops it and what it started (subprocesses have ended when it resolves); idempotent. */
  close(): Promise<void>;
  /** CPU time that the source's own subprocess or thread has used, microseconds, where it can be known. */
  cpuUs?(): number | null;
  /** True where that is a thread, so that this process' CPU time has it in it. */
  readonly usesOurCpu?: boolean;
  /** Frames of a live source that gave way to younger ones because nobody took them in time. */
  overruns?(): number;
}

/** What becomes of a camera that was there and is not any more. */
export interface CameraOptions {
  /** How long it is waited for, microseconds; 0: not at all, the source is lost with it. */
  readonly waitUs: number;
  /** Told of each change of its state. */
  readonly onChange?: (change: CameraChange) => void;
  /** Of the waits between attempts; uniform in [0, 1). */
  readonly random?: () => number;
}

export interface SourceOptions {
  /** Frames are scaled to fit inside this size, or sent as they are. */
  readonly size: Size | "native";
  /** auto = what costs least: i420 for what ffmpeg decodes, rgb24 for all else. */
  readonly pixelFormat: PixelFormat | "auto";
  /** Start again at the end, for ever; what cannot be read twice (a pipe, a camera) ends all the same. */
  readonly loop: boolean;
  readonly clock: Clock;
  /** Finds the ffmpeg binary when it is first needed. @throws FFMPEG_MISSING */
  readonly ffmpeg: () => Promise<string>;
  /** Gives up opening (a camera may take long to answer). @throws INTERRUPTED */
  readonly signal?: AbortSignal;
  /** Of what turns out to be live; by default it is not waited for. */
  readonly camera?: CameraOptions | undefined;
}
