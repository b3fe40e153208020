import { backoffMs } from "../core/backoff.js";
import { waitUntil } from "../core/clock.js";
import type { Unsubscribe } from "../core/emitter.js";
import { type AiwError, type ErrorCode, toAiwError } from "../core/errors.js";
import { Feed } from "../pipeline/feed.js";
import { Stream } from "../pipeline/stream.js";
import { isResult } from "../results/frame-outcome.js";
import type { CameraChange, CameraState } from "../source/camera-state.js";
import type { FrameSource } from "../source/frame-source.js";
import { type AIEngine, engineSink } from "./engine.js";
import type { WatchPorts } from "./ports.js";
import type { EndReason } from "./state-machine.js";
import { Watch, type WatchPlan } from "./watch.js";

/** Opens a camera. @param onChange told of its states from then on */
export type OpenCamera = (
  onChange: (change: Pick<CameraChange, "from" | "to" | "text">) => void,
  signal: AbortSignal,
) => Promise<FrameSource>;

export interface LaneOptions {
  /** Name of the camera, credentials masked. */
  readonly camera: string;
  readonly open: OpenCamera;
  /** Its stream has an end, as a file's, and is not opened again then. */
  readonly isFinite: boolean;
  readonly engine: AIEngine;
  readonly plan: WatchPlan;
  /** Uniform in [0, 1), of the waits between attempts. */
  readonly random?: (() => number) | undefined;
}

/** Longest wait before a camera is opened again, as of one that is open and lost; milliseconds. */
const LONGEST_PAUSE_MS = 2_000;

/** What no waiting mends. */
const FINAL: ReadonlySet<ErrorCode> = new Set(["USAGE", "CONFIG_INVALID", "FFMPEG_MISSING", "INTERRUPTED"]);

/** One camera with its pipeline and its watch, from its first frame until nobody wants it any more. */
export class Lane {
  readonly watch: Watch;
  readonly stream: Stream;
  private readonly stop = new AbortController();
  private readonly unsubscribe: Unsubscribe[];
  private cameraState: CameraState | null = null;
  private isWorkerAway = false;

  constructor(
    private readonly options: LaneOptions,
    private readonly ports: WatchPorts,
  ) {
    const { camera, engine, plan } = options;
    this.watch = new Watch(camera, ports, plan, () => this.stream.unansweredSinceUs);
    this.stream = new Stream(engineSink(engine), ports.clock, { keepFrames: true });
    this.unsubscribe = [
      this.stream.on("outcome", (outcome) => {
        if (isResult(outcome)) this.watch.saw(outcome);
        else this.watch.failed(outcome);
      }),
      engine.onAway((why) => this.workerAway(why.message)),
      engine.onReady(() => this.workerReady()),
      engine.onGone((error) => this.tellWorker("gone", error.message)),
    ];
  }

  get camera(): string {
    return this.options.camera;
  }

  /**
   * Watches until the stream of a finite source ends, `end` is called, or what can't be mended goes wrong.
   * @throws WORKER_… once the worker is gone for good; what is wrong with the camera's settings
   */
  async run(): Promise<void> {
    const { signal } = this.stop;
    let failure: AiwError | undefined;
    if (this.options.engine.isAway) this.workerAway("the link to the worker is lost");
    else this.tellWorker("ready", "its session is open");
    try {
      for (let failures = 0; !signal.aborted;) {
        const hadFrames = await this.once(signal);
        const { lost } = this.stream;
        if (lost !== undefined) throw lost;
        if (this.options.isFinite && hadFrames) break;
        failures = hadFrames ? 0 : failures + 1;
        await this.pause(failures, signal);
      }
    } catch (thrown) {
      failure = toAiwError(thrown);
      // What is lost with the worker is not the camera.
      if (this.stream.lost === undefined) this.tellCamera("lost", failure.message);
      throw failure;
    } finally {
      this.watch.end(this.endReason(failure));
      this.stream.close();
      for (const off of this.unsubscribe) off();
    }
  }

  /** Nobody wants it any more: what is in flight is given up, and `run` ends. */
  end(): void {
    this.stop.abort();
  }

  /** Opens the camera and offers its frames until it ends or breaks; whether there were any. */
  private async once(signal: AbortSignal): Promise<boolean> {
    const { camera, open, isFinite } = this.options;
    const { clock } = this.ports;
    const before = this.stream.counts().offered;
    try {
      const source = await open((change) => this.tellCamera(change.to, change.text), signal);
      const feed = new Feed(source, clock);
      try {
        await feed.run(this.stream, { kind: "live", maxFps: () => this.watch.fps }, {}, signal);
        // The last frame is still on its way.
        if (isFinite) await this.stream.whenIdle(signal);
        if (!signal.aborted && this.stream.lost === undefined)
          this.tellCamera("ended", `${camera} has ended`);
      } finally {
        await feed.close();
      }
    } catch (thrown) {
      if (signal.aborted) return true;
      const error = toAiwError(thrown);
      if (FINAL.has(error.code) || (isFinite && this.stream.counts().offered === before)) throw error;
      this.tellCamera("lost", error.message);
    }
    return this.stream.counts().offered > before;
  }

  private endReason(failure: AiwError | undefined): EndReason {
    if (this.stop.signal.aborted) return "stopped";
    if (this.stream.lost !== undefined) return "worker_lost";
    return failure === undefined ? "ended" : "camera_lost";
  }

  private async pause(failures: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { clock } = this.ports;
    const waitMs = backoffMs(failures, { random: this.options.random, longestMs: LONGEST_PAUSE_MS });
    await waitUntil(clock, clock.nowUs() + Math.ceil(waitMs * 1000), signal);
  }

  private tellCamera(to: CameraState, text: string): void {
    const before = this.cameraState;
    if (before === to) return;
    this.cameraState = to;
    const { bus, clock } = this.ports;
    bus.publish("camera.state", { camera: this.camera, wallMs: clock.wallMs(), state: to, before, text });
    if (to === "live" || to === "blocked") this.watch.regain("camera");
    else if (to !== "connecting") this.watch.lose("camera");
  }

  private workerAway(why: string): void {
    if (this.isWorkerAway) return;
    this.isWorkerAway = true;
    this.tellWorker("lost", `${why}; it is tried again`);
    this.watch.lose("worker");
  }

  private workerReady(): void {
    if (!this.isWorkerAway) return;
    this.isWorkerAway = false;
    this.tellWorker("ready", "the worker is back");
    this.watch.regain("worker");
  }

  private tellWorker(state: "ready" | "lost" | "gone", text: string): void {
    const { bus, clock } = this.ports;
    bus.publish("worker.state", { camera: this.camera, wallMs: clock.wallMs(), state, text });
  }
}
