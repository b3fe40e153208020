import type { Box } from "../frame/box.js";

export interface Detection {
  readonly className: string;
  /** Index into the model's class names; -1 where the worker did not say and no name fits. */
  readonly classId: number;
  /** 0..1 */
  readonly confidence: number;
  /** In pixels of the frame that was sent. */
  readonly box: Box;
  readonly trackId: string | null;
}

/** A box of a frame of size `from`, in pixels of the same picture at size `to`. */
export function scaleBox(
  box: Box,
  from: { width: number; height: number },
  to: { width: number; height: number },
): Box {
  const sx = to.width / from.width;
  const sy = to.height / from.height;
  return { x: box.x * sx, y: box.y * sy, w: box.w * sx, h: box.h * sy };
}
