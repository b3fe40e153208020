import type { Frame } from "../frame/frame.js";

/** A black frame of 2x2 RGB pixels, for tests to which a picture is a picture. */
export function blankFrame(changes: Partial<Frame> = {}): Frame {
  return {
    data: Buffer.alloc(12),
    width: 2,
    height: 2,
    format: "rgb24",
    origin: { source: "test", width: 2, height: 2 },
    capturedAtUs: 0,
    release() {},
    ...changes,
  };
}
