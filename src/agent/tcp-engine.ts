import type { ReconnectingClient } from "../client/reconnecting-client.js";
import type { FrameSink } from "../pipeline/frame-sink.js";
import type { AIEngine } from "./engine.js";

/** What its Inits say besides the model. */
export interface TcpEngineOptions {
  /** The worker's log calls the camera by it. */
  readonly camera: string;
  readonly requireProvider?: string | undefined;
}

/**
 * A session on a worker.
 * @param client its connection, which comes back by itself
 * @param sink what takes the frames: the client, or what encodes them for it
 */
export function tcpEngine(
  client: Pick<ReconnectingClient, "init">,
  sink: FrameSink,
  { camera, requireProvider }: TcpEngineOptions,
): AIEngine {
  return {
    async setModel({ model, conf, iou }) {
      const { modelId, classNames } = await client.init({
        modelPath: model,
        clientId: `aiw:${camera}`,
        ...(requireProvider === undefined ? {} : { requireProvider }),
        ...(conf === undefined ? {} : { confThreshold: conf }),
        ...(iou === undefined ? {} : { iouThreshold: iou }),
      });
      return { modelId, classNames };
    },
    canRun: () => sink.canSend(),
    run: (frame) => sink.sendFrame(frame),
    onResult: (listener) => sink.onResult(listener),
    onReady: (listener) => sink.onCredit(listener),
    onAway: (listener) => sink.onCut?.(listener) ?? (() => {}),
    onGone: (listener) => sink.onLost(listener),
    get gone() {
      return sink.lost;
    },
  };
}
