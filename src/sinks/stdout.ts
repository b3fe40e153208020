import { AiwError, systemCode } from "../core/errors.js";
import { outputFailed } from "./output-failed.js";

/** What may wait for a reader of stdout that has stopped reading, bytes. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** Data on stdout, whose reader may be slow, or gone (`aiw … | head -1`). */
export class StdoutWriter {
  private failure: AiwError | undefined;

  /** @throws OUTPUT_FAILED once a write before this one has failed, or too much waits for the reader */
  write(text: string): void {
    if (this.failure !== undefined) throw this.failure;
    const { stdout } = process;
    if (stdout.writableLength > MAX_WAITING_BYTES) {
      const waiting = Math.round(stdout.writableLength / 1e6);
      this.failure = new AiwError("OUTPUT_FAILED", `stdout: its reader has not taken the last ${waiting} MB`);
      throw this.failure;
    }
    stdout.write(text, (error) => {
      if (error) this.fail(error);
    });
  }

  /** Resolves when the reader has caught up; undefined where it has. */
  caughtUp(): Promise<void> | undefined {
    const { stdout } = process;
    if (!stdout.writableNeedDrain || this.failure !== undefined) return undefined;
    return new Promise((resolve) => {
      const done = () => {
        stdout.off("drain", done).off("error", done).off("close", done);
        resolve();
      };
      stdout.on("drain", done).on("error", done).on("close", done);
    });
  }

  /** Resolves when all that was written is taken. @throws OUTPUT_FAILED */
  async flush(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    // Called back after all that came before it.
    await new Promise<void>((resolve) => {
      process.stdout.write("", () => resolve());
    });
    if (this.failure !== undefined) throw this.failure;
  }

  private fail(error: Error): void {
    this.failure ??= outputFailed("stdout", error);
  }
}

/** True when a write failed only because the reader has seen enough and went. */
export function isReaderGone(error: unknown): boolean {
  return error instanceof AiwError && systemCode(error.cause) === "EPIPE";
}
