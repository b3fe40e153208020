import type { Writable } from "node:stream";
import { settledOrAborted } from "./settled-or-aborted.js";

/** What may wait for a reader that does not read, bytes. */
const MAX_WAITING_BYTES = 1024 * 1024;

/**
 * Lines into a stream whose reader may be slow, or gone: nothing here ever waits for it or fails. A pipe takes what
 * it has room for at once, and what waits beyond a bound is left out and counted; the next line that fits is preceded
 * by one that says so.
 */
export class LineWriter {
  private lost = 0;
  private isGone = false;

  /** @param lossLine the line that says that so many were left out */
  constructor(
    private readonly stream: Writable,
    private readonly lossLine: (lost: number) => string,
    private readonly maxWaitingBytes = MAX_WAITING_BYTES,
  ) {
    stream.on("error", () => {
      this.isGone = true;
    });
  }

  /** @param line with its end */
  write(line: string): void {
    if (this.isGone || this.stream.destroyed) return;
    if (this.stream.writableLength > this.maxWaitingBytes) {
      this.lost++;
      return;
    }
    this.tellLoss();
    this.put(line);
  }

  /** Resolves when all that was written is taken, or its reader is gone, or the signal aborts. */
  async flush(giveUp: AbortSignal): Promise<void> {
    this.tellLoss();
    if (this.isGone || this.stream.destroyed) return;
    let done: () => void = () => {};
    const taken = new Promise<void>((resolve) => {
      done = resolve;
    });
    // Called back after all that came before it. With its reader gone a stream may forget to.
    this.stream.once("close", done).write("", done);
    await settledOrAborted(taken, giveUp);
    this.stream.off("close", done);
  }

  private tellLoss(): void {
    const { lost } = this;
    this.lost = 0;
    if (lost > 0) this.put(this.lossLine(lost));
  }

  private put(text: string): void {
    try {
      // A file, and a terminal, are written to at once, and throw.
      this.stream.write(text);
    } catch {
      this.isGone = true;
    }
  }
}
