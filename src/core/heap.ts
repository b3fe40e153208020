import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Keeps V8's space for young objects as small as it is at the start. Here they die with their frame, and a
 * larger space only holds more that is dead: at 150 frames a second it grows to 32 MB for each thread, which
 * nothing gives back while the rate lasts. (Node offers its own limit, --max-semi-space-size, only on the
 * command line.)
 *
 * To be called again after each thread that was started: V8 sets the factor back to 2 when it makes a heap.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}

/**
 * Gives each small Buffer memory of its own. Node cuts them from slabs of 8 KB, and of a frame's header and the
 * like one is always in use while V8 looks through its young objects: at 50 frames a second nearly every slab grew
 * old for it, 2.4 MB a minute that only a full collection gave back.
 */
export function keepNoBufferPool(): void {
  Buffer.poolSize = 0;
}

/**
 * Takes away all that is dead, once: for a run, when everything is loaded. V8 lets the space of what lives long grow
 * to several times of what is alive before it looks through it for the first time, which at 12 frames a second takes
 * a quarter of an hour; after that its limit follows from what it found. Takes some 20 ms.
 */
export function collectGarbage(): void {
  // Node has no other way to ask for it at run time.
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  collect();
}
