/**
 * aiw as a library: a client for the inference worker.
 *
 * ```ts
 * const client = await WorkerClient.connect({ host: "127.0.0.1", port: 7001 });
 * const info = await client.init({ modelPath: "yolo11n.onnx" });
 * client.onResult((answer) => console.log(answer.seq, answer.outcome));
 * if (client.canSend()) client.sendFrame(frame);
 * await client.shutdown();
 * ```
 *
 * A `WorkerClient` is one connection and ends with it; a `ReconnectingClient` is used the same way and comes back:
 *
 * ```ts
 * const dial = dialTo({ host: "127.0.0.1", port: 7001 });
 * const client = await ReconnectingClient.connect({ dial, giveUpAfterMs: Infinity });
 * ```
 */
export {
  type Dial,
  dialTo,
  type ReconnectOptions,
  ReconnectingClient,
} from "./client/reconnecting-client.js";
export {
  type ConnectOptions,
  type InitOptions,
  WorkerClient,
  type WorkerInfo,
} from "./client/worker-client.js";
export { type Clock, systemClock } from "./core/clock.js";
export { AiwError, type ErrorCode, ExitCode } from "./core/errors.js";
export type { Box } from "./frame/box.js";
export { frameBytes, type PixelFormat, type Size } from "./frame/pixel-format.js";
export type { TrueObject } from "./frame/truth.js";
export type { FrameAnswer, FrameSink, OutgoingFrame } from "./pipeline/frame-sink.js";
export type { Detection } from "./results/detection.js";
export type { WorkerStages, WorkerUsage } from "./results/stages.js";
