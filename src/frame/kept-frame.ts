import type { Frame } from "./frame.js";

/**
 * A frame whose pixels several need for as long as they need them. Nothing is copied: its buffer goes
 * back to its owner, once, when the last of them has let go.
 */
export class KeptFrame {
  private holders = 0;
  private isGone = false;

  constructor(readonly frame: Frame) {}

  /**
   * Keeps the pixels until the function returned is called; only its first call counts. Not to be
   * asked for once all have let go: the buffer may hold another frame by then.
   */
  keep(): () => void {
    if (this.isGone) throw new Error("the frame's buffer was given back already");
    this.holders++;
    let isHolding = true;
    return () => {
      if (!isHolding) return;
      isHolding = false;
      this.holders--;
      if (this.holders > 0) return;
      this.isGone = true;
      this.frame.release();
    };
  }
}
