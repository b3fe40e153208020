import { performance } from "node:perf_hooks";
import { parentPort, workerData } from "node:worker_threads";
import { frameBytes, type PixelFormat } from "../frame/pixel-format.js";
import type { TrueObject } from "../frame/truth.js";
import { type SceneOptions, SyntheticScene } from "../scene/synthetic-scene.js";
import { taskOfThread } from "./cpu-time.js";
import { rgbToYuv } from "./rgb-to-yuv.js";

/** What the thread is started with. */
export interface DrawingOptions extends SceneOptions {
  readonly format: PixelFormat;
}

/** Asks for a frame: where to draw it, and its number. */
export interface DrawRequest {
  readonly pixels: SharedArrayBuffer;
  readonly number: number;
}

/** What the thread says: once who it is, and then that a frame is drawn. */
export type ThreadMessage =
  | { readonly kind: "started"; readonly task: string | undefined }
  | { readonly kind: "drawn"; readonly truth: readonly TrueObject[]; readonly drawingUs: number };

function say(message: ThreadMessage): void {
  parentPort?.postMessage(message);
}

say({ kind: "started", task: taskOfThread() });

const { format, ...options } = workerData as DrawingOptions;
const scene = new SyntheticScene(options);
/** What is drawn before it becomes YUV; empty where RGB is sent. */
const drawn = new Uint8Array(format === "rgb24" ? 0 : frameBytes("rgb24", options));

function draw(pixels: Uint8Array, number: number): TrueObject[] {
  if (format === "rgb24") return scene.draw(pixels, number);
  const truth = scene.draw(drawn, number);
  rgbToYuv(drawn, pixels, options, format);
  return truth;
}

parentPort?.on("message", ({ pixels, number }: DrawRequest) => {
  const begun = performance.now();
  const truth = draw(new Uint8Array(pixels), number);
  say({ kind: "drawn", truth, drawingUs: Math.round((performance.now() - begun) * 1000) });
});
