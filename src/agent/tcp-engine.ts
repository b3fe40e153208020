import type { ReconnectingClient } from "../client/reconnecting-client.js";
import { after, type Clock } from "../core/clock.js";
import { Emitter, type Unsubscribe } from "../core/emitter.js";
import { AiwError } from "../core/errors.js";
import type { FrameAnswer, FrameSink, OutgoingFrame } from "../pipeline/frame-sink.js";
import type { AIEngine, EngineModel, ModelSettings } from "./engine.js";

/** What its Inits say besides the model. */
export interface TcpEngineOptions {
  /** The worker's log calls the camera by it. */
  readonly camera: string;
  readonly requireProvider?: string | undefined;
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

  /**
   * @param client its connection, which comes back by itself
   * @param sink what takes the frames: the client, or what encodes them for it
   */
  constructor(
    private readonly client: Pick<ReconnectingClient, "init">,
    private readonly sink: FrameSink,
    private readonly clock: Clock,
    private readonly options: TcpEngineOptions,
  ) {
    sink.onCredit(() => this.tellReady());
  }

  /** @throws besides the worker's refusal WORKER_TIMEOUT, where it is away or does not answer for 10 s */
  async setModel({ model, conf, iou }: ModelSettings): Promise<EngineModel> {
    const { camera, requireProvider } = this.options;
    this.isHeld = true;
    try {
      await this.whenFree();
      const { modelId, classNames } = await this.client.init({
        modelPath: model,
        clientId: clientIdOf(camera),
        ...(requireProvider === undefined ? {} : { requireProvider }),
        ...(conf === undefined ? {} : { confThreshold: conf }),
        ...(iou === undefined ? {} : { iouThreshold: iou }),
      });
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

  /** Resolves when nothing is in flight and the worker is there. */
  private async whenFree(): Promise<void> {
    const { sink, clock, options } = this;
    if (sink.lost !== undefined) throw sink.lost;
    if (sink.canSend()) return;
    const undo: (() => void)[] = [];
    try {
      await new Promise<void>((resolve, reject) => {
        const message = `the worker of ${options.camera} is away or has not answered for ${FREE_WITHIN_US / 1e6} s`;
        const giveUp = () => reject(new AiwError("WORKER_TIMEOUT", message));
        undo.push(sink.onCredit(resolve), sink.onLost(reject), after(clock, FREE_WITHIN_US, giveUp));
      });
    } finally {
      for (const one of undo) one();
    }
  }
}
