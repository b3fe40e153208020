import type { Unsubscribe } from "../core/emitter.js";
import type { AiwError } from "../core/errors.js";
import type { FrameAnswer, FrameSink, OutgoingFrame } from "../pipeline/frame-sink.js";

/** What an engine is to look for. */
export interface ModelSettings {
  /** As the engine knows it: a name or path. */
  readonly model: string;
  /** Least confidence that is reported, 0..1, and overlap above which NMS suppresses; the engine's own without. */
  readonly conf?: number | undefined;
  readonly iou?: number | undefined;
}

export interface EngineModel {
  /** SHA-256 of the model file, hex; of a simulation a name. */
  readonly modelId: string;
  readonly classNames: readonly string[];
}

/**
 * Finds objects in the frames of one camera: the worker over TCP, or a simulation. One frame at a time: who calls
 * `run` has seen `canRun`, and its answer gives the right to the next.
 */
export interface AIEngine {
  /**
   * The model of all frames from now on; in place of another one, frames wait until it is there.
   * @throws what the worker refuses: MODEL_…, WORKER_…; the former model stays then
   */
  setModel(settings: ModelSettings): Promise<EngineModel>;
  canRun(): boolean;
  /** @throws FRAME_TOO_LARGE, USAGE (a pixel format that it does not take): nothing was run */
  run(frame: OutgoingFrame): void;
  onResult(listener: (answer: FrameAnswer) => void): Unsubscribe;
  /** `canRun` has become true. */
  onReady(listener: () => void): Unsubscribe;
  /** It is away and may come back, of which `onReady` tells; a frame that was run has no answer. */
  onAway(listener: (why: AiwError) => void): Unsubscribe;
  /** Whether it is away now. */
  readonly isAway: boolean;
  /** It is gone for good. */
  onGone(listener: (error: AiwError) => void): Unsubscribe;
  readonly gone: AiwError | undefined;
}

/** An engine as what the pipeline gives its frames to. */
export function engineSink(engine: AIEngine): FrameSink {
  return {
    canSend: () => engine.canRun(),
    sendFrame: (frame) => engine.run(frame),
    onResult: (listener) => engine.onResult(listener),
    onCredit: (listener) => engine.onReady(listener),
    onCut: (listener) => engine.onAway(listener),
    onLost: (listener) => engine.onGone(listener),
    get isAway() {
      return engine.isAway;
    },
    get lost() {
      return engine.gone;
    },
  };
}
