import type { Box } from "./box.js";

/** An object that is really in a frame, as a source knows it that drew the frame itself. */
export interface TrueObject {
  /** The same in every frame that shows this object, and never that of another one. */
  readonly id: number;
  readonly className: string;
  /** What can be seen of it, in pixels of the frame as sent. */
  readonly box: Box;
  /** Share of its silhouette that is inside the frame and behind nothing, 0..1. */
  readonly visible: number;
}
