import type { ReconnectingClient } from "../client/reconnecting-client.js";
import { after, type Clock } from "../core/clock.js";
import { Emitter, type Unsubscribe } from "../core/emitter.js";
import { AiwError } from "../core/errors.js";
import { settledOrAborted } from "../core/settled-or-aborted.js";
import type { FrameAnswer, FrameSink, OutgoingFrame } from "../pipeline/frame-sink.js";
import type { AIEngine, EngineModel, ModelSettings } from "./engine.js";

/** What its Inits say besides the model. */
export interface TcpEngineOptions {
  /** The worker's log calls the camera by it. */
  readonly camera: string;
  readonly requireProvider?: string | undefined;
  /** Nothing is waited for any more. */
  readonly stop?: AbortSignal | undefined;
}

/** What the worker's log and its sessions call a camera's session. */
export function clientIdOf(camera: string): string {
  return `aiw:${camera}`;
}

/** Longest that other settings wait for the frame at hand, and for a worker that is away, microseconds. */
const FREE_WITHIN_US = 10_000_000;

/** A session on a worker. */
export class TcpEngine implements AIEngine {
  private readonly events = new Emitter<{ ready: undefined }>();
  /** No frame is run: other settings are to be sent, which may not be while one is in flight. */
  private isHeld = false;
  private readonly stopListening: Unsubscribe;

  /**
   * @param client its connection, which comes back by itself
   * @param sink what takes the frames: the client, or what encodes them for it
   */
  constructor(
    private readonly client: Pick<ReconnectingClient, "init" | "takeBack" | "linkState">,
    private readonly sink: FrameSink,
    private readonly clock: Clock,
    private readonly options: TcpEngineOptions,
  ) {
    this.stopListening = sink.onCredit(() => this.tellReady());
  }

  /** Leaves the session to who has it. */
  close(): void {
    this.stopListening();
  }

  /** What was set last is not wanted after all, and could not be set back: it won't be when the worker is back. */
  takeBack(): void {
    this.client.takeBack();
  }

  get isAway(): boolean {
    return this.client.linkState === "away";
  }

  /** @throws besides the worker's refusal WORKER_TIMEOUT, where it is away or does not answer for 10 s */
  async setModel({ model, conf, iou }: ModelSettings): Promise<EngineModel> {
    const { camera, requireProvider } = this.options;
    this.isHeld = true;
    try {
      await this.whenFree();
      const init = this.client.init({
        modelPath: model,
        clientId: clientIdOf(camera),
        ...(requireProvider === undefined ? {} : { requireProvider }),
        ...(conf === undefined ? {} : { confThreshold: conf }),
        ...(iou === undefined ? {} : { iouThreshold: iou }),
      });
      const { modelId, classNames } = await this.unlessStopped(init);
      return { modelId, classNames };
    } finally {
      this.isHeld = false;
      this.tellReady();
    }
  }

  canRun(): boolean {
    return !this.isHeld && this.sink.canSend();
  }

  run(frame: OutgoingFrame): void {
    this.sink.sendFrame(frame);
  }

  onResult(listener: (answer: FrameAnswer) => void): Unsubscribe {
    return this.sink.onResult(listener);
  }

  onReady(listener: () => void): Unsubscribe {
    return this.events.on("ready", listener);
  }

  onAway(listener: (why: AiwError) => void): Unsubscribe {
    return this.sink.onCut?.(listener) ?? (() => {});
  }

  onGone(listener: (error: AiwError) => void): Unsubscribe {
    return this.sink.onLost(listener);
  }

  get gone(): AiwError | undefined {
    return this.sink.lost;
  }

  private tellReady(): void {
    if (this.canRun()) this.events.emit("ready", undefined);
  }

  /** A large model loads for minutes: who stops the agent does not wait for it. */
  private async unlessStopped<T>(work: Promise<T>): Promise<T> {
    const { stop } = this.options;
    if (stop === undefined) return work;
    let value: T | undefined;
    await settledOrAborted(
      work.then((done) => void (value = done)),
      stop,
    );
    stop.throwIfAborted();
    return value as T;
  }

  /** Resolves when nothing is in flight and the worker is there. */
  private async whenFree(): Promise<void> {
    const { sink, clock, options } = this;
    const { stop } = options;
    stop?.throwIfAborted();
    if (sink.lost !== undefined) throw sink.lost;
    if (sink.canSend()) return;
    const undo: (() => void)[] = [];
    try {
      await new Promise<void>((resolve, reject) => {
        const message = `the worker of ${options.camera} is away or has not answered for ${FREE_WITHIN_US / 1e6} s`;
        const giveUp = () => reject(new AiwError("WORKER_TIMEOUT", message));
        const onStop = () => reject(stop?.reason);
        stop?.addEventListener("abort", onStop);
        undo.push(sink.onCredit(resolve), sink.onLost(reject), after(clock, FREE_WITHIN_US, giveUp));
        undo.push(() => stop?.removeEventListener("abort", onStop));
      });
    } finally {
      for (const one of undo) one();
    }
  }
}
