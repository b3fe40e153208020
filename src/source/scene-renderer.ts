import { Worker } from "node:worker_threads";
import { keepYoungGenerationSmall } from "../core/heap.js";
import type { TrueObject } from "../frame/truth.js";
import { threadCpuUs } from "./cpu-time.js";
import type { DrawingOptions, DrawRequest, ThreadMessage } from "./scene-thread.js";

type Truth = readonly TrueObject[];

/** The same from the sources as from what is built of them: a thread runs JavaScript only. */
const THREAD = new URL("../../dist/source/scene-thread.js", import.meta.url);

/**
 * Draws the synthetic scene in a thread of its own: what takes milliseconds of the one thread that sends
 * frames and takes results would show in their latency.
 */
export class SceneRenderer {
  private readonly thread: Worker;
  private waiting: { resolve: (truth: Truth) => void; reject: (error: unknown) => void } | undefined;
  private failure: Error | undefined;
  private task: string | undefined;
  private drawingUs = 0;
  private isClosing = false;

  constructor(options: DrawingOptions) {
    this.thread = new Worker(THREAD, { workerData: options });
    this.thread.once("online", keepYoungGenerationSmall);
    this.thread.on("message", (message: ThreadMessage) => {
      if (message.kind === "started") {
        this.task = message.task;
        return;
      }
      this.drawingUs += message.drawingUs;
      this.settle().resolve(message.truth);
    });
    this.thread.on("error", (error: Error) => this.fail(error));
    this.thread.on("exit", () => this.fail(new Error("the scene's thread has ended")));
    // A forgotten source must not keep the process.
    this.thread.unref();
  }

  /** CPU time of the thread, microseconds; where the system does not tell it, the time that drawing took. */
  get cpuUs(): number {
    return (this.task === undefined ? null : threadCpuUs(this.task)) ?? this.drawingUs;
  }

  /**
   * Draws frame `number`, one at a time.
   * @param pixels gets a frame's bytes
   * @returns what is to be seen of each object
   * @throws whatever ended the thread
   */
  async draw(pixels: SharedArrayBuffer, number: number): Promise<Truth> {
    if (this.failure !== undefined) throw this.failure;
    return new Promise<Truth>((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.thread.ref();
      const request: DrawRequest = { pixels, number };
      this.thread.postMessage(request);
    });
  }

  /** Ends the thread; whoever waits for a frame is told that it has ended. */
  async close(): Promise<void> {
    // Where nothing else is left to be done, its end would not be waited for; nor where a frame that was
    // being drawn is reported meanwhile.
    this.isClosing = true;
    this.thread.ref();
    await this.thread.terminate();
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.settle().reject(this.failure);
  }

  private settle() {
    const { waiting } = this;
    this.waiting = undefined;
    if (!this.isClosing) this.thread.unref();
    return waiting ?? { resolve: () => {}, reject: () => {} };
  }
}
