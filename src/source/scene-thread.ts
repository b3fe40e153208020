import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { parentPort, workerData } from "node:worker_threads";
import { frameBytes, type PixelFormat } from "../frame/pixel-format.js";
import type { TrueObject } from "../frame/truth.js";
import { type SceneOptions, SyntheticScene } from "../scene/synthetic-scene.js";
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

/** The frame is drawn. */
export interface DrawReply {
  readonly truth: readonly TrueObject[];
  /** CPU time of the thread so far, microseconds. */
  readonly cpuUs: number;
}

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

let drawingMs = 0;

/** Time on a core, where the system tells it of a thread (Linux); else the time that drawing took. */
function threadCpuUs(): number {
  try {
    const [onCpuNs] = readFileSync("/proc/thread-self/schedstat", "latin1").split(" ");
    return Math.round(Number(onCpuNs) / 1000);
  } catch {
    return Math.round(drawingMs * 1000);
  }
}

parentPort?.on("message", ({ pixels, number }: DrawRequest) => {
  const begun = performance.now();
  const truth = draw(new Uint8Array(pixels), number);
  drawingMs += performance.now() - begun;
  const reply: DrawReply = { truth, cpuUs: threadCpuUs() };
  parentPort?.postMessage(reply);
});
