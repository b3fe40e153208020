import { after, type Cancel, type Clock } from "../core/clock.js";
import { Emitter, type Unsubscribe } from "../core/emitter.js";
import type { FrameAnswer, OutgoingFrame } from "../pipeline/frame-sink.js";
import type { Detection } from "../results/detection.js";
import type { AIEngine, EngineModel, ModelSettings } from "./engine.js";
import type { Presence } from "./sim-script.js";

interface Events {
  result: FrameAnswer;
  ready: undefined;
}

/** The way to it, which is never lost. */
export const SIMULATED_LINK = { linkState: "linked", inits: 1, reconnects: 0 } as const;

/** What it takes for a frame, microseconds. */
const INFERENCE_US = 20_000;

/**
 * Detects what a script says, in whatever frames it is given: for the development of what comes after, without
 * Python, a model or a camera. Frames are in view of the script by their due time.
 */
export class SimEngine implements AIEngine {
  readonly gone = undefined;
  readonly isAway = false;
  private readonly events = new Emitter<Events>();
  private readonly script: Iterator<Presence, unknown, undefined>;
  /** Those that may still be in view of a later frame, and the next one. */
  private upcoming: Presence[] = [];
  private isOver = false;
  private startUs: number | undefined;
  /** Of the frame in hand. */
  private cancel: Cancel | undefined;
  private classNames: string[] = [];

  /** @param script in the order of `fromUs` */
  constructor(
    script: Iterable<Presence, unknown, undefined>,
    private readonly clock: Clock,
    private readonly inferenceUs = INFERENCE_US,
  ) {
    this.script = script[Symbol.iterator]();
  }

  setModel({ model }: ModelSettings): Promise<EngineModel> {
    this.events.emit("ready", undefined);
    return Promise.resolve({ modelId: model, classNames: this.classNames });
  }

  canRun(): boolean {
    return this.cancel === undefined;
  }

  run(frame: OutgoingFrame): void {
    const { seq, width, height, dueUs } = frame;
    const sentAtUs = this.clock.nowUs();
    const detections = this.inViewAt(dueUs).map((presence) => this.detectionOf(presence, width, height));
    frame.release();
    this.cancel = after(this.clock, this.inferenceUs, () => {
      this.cancel = undefined;
      const answeredAtUs = this.clock.nowUs();
      const stages = { queueUs: 0, preprocessUs: 0, inferenceUs: answeredAtUs - sentAtUs, postprocessUs: 0 };
      this.events.emit("result", {
        seq,
        sentAtUs,
        answeredAtUs,
        outcome: { detections },
        stages,
        usage: undefined,
      });
      this.events.emit("ready", undefined);
    });
  }

  onResult(listener: (answer: FrameAnswer) => void): Unsubscribe {
    return this.events.on("result", listener);
  }

  onReady(listener: () => void): Unsubscribe {
    return this.events.on("ready", listener);
  }

  onAway(): Unsubscribe {
    return () => {};
  }

  onGone(): Unsubscribe {
    return () => {};
  }

  /** Gives up the frame in hand. */
  close(): void {
    this.cancel?.();
  }

  private inViewAt(dueUs: number): readonly Presence[] {
    this.startUs ??= dueUs;
    const us = dueUs - this.startUs;
    while (!this.isOver && (this.upcoming.at(-1)?.fromUs ?? Number.NEGATIVE_INFINITY) <= us) {
      const next = this.script.next();
      if (next.done === true) this.isOver = true;
      else this.upcoming.push(next.value);
    }
    this.upcoming = this.upcoming.filter(({ untilUs }) => untilUs > us);
    return this.upcoming.filter(({ fromUs }) => fromUs <= us);
  }

  private detectionOf({ className, confidence, box }: Presence, width: number, height: number): Detection {
    if (!this.classNames.includes(className)) this.classNames.push(className);
    const [x, y, w, h] = box;
    return {
      className,
      classId: this.classNames.indexOf(className),
      confidence,
      box: { x: x * width, y: y * height, w: w * width, h: h * height },
      trackId: null,
    };
  }
}
