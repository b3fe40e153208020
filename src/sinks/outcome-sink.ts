import type { FrameOutcome } from "../results/frame-outcome.js";

/** Takes what became of each frame, and writes it somewhere. */
export interface OutcomeSink {
  /** True for one that wants the pixels of the frames as well. */
  readonly keepsFrames?: boolean;
  /** @throws OUTPUT_FAILED; what was written before is whole */
  write(outcome: FrameOutcome): void;
  /** Resolves when whoever takes the outcomes has caught up; undefined where it has. */
  caughtUp(): Promise<void> | undefined;
  /**
   * Resolves when everything is written; idempotent.
   * @param giveUp once it aborts, only what was begun and surely ends is waited for
   * @throws OUTPUT_FAILED
   */
  close(giveUp: AbortSignal): Promise<void>;
  /** What people should know of it at the end. */
  summary?(): string;
}
