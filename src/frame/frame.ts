import type { AiwError } from "../core/errors.js";
import type { PixelFormat } from "./pixel-format.js";
import type { TrueObject } from "./truth.js";

/** Where a frame comes from: what a record says of it. */
export interface FrameOrigin {
  /** Name of the picture or stream, credentials masked. */
  readonly source: string;
  /** Size of the source's own frame in pixels, before any scaling. */
  readonly width: number;
  readonly height: number;
}

/** One picture on its way to the worker. */
export interface Frame {
  /** Exactly `frameBytes(format, width, height)` bytes; not copied on the way to the socket. */
  readonly data: Uint8Array;
  /** Size in pixels as sent. */
  readonly width: number;
  readonly height: number;
  readonly format: PixelFormat;
  readonly origin: FrameOrigin;
  /** When its last byte was there, microseconds of the Clock. */
  readonly capturedAtUs: number;
  /** What is really in it, from a source that knows. */
  readonly truth?: readonly TrueObject[] | undefined;
  /** Gives the buffer back to its owner; only the first call counts, and `data` is dead after it. */
  release(): void;
}

/** A picture that could not be read, in the place where its frame would have come. */
export interface FrameFailure {
  readonly failure: AiwError;
  readonly origin: FrameOrigin;
}

export type SourceItem = Frame | FrameFailure;

export function isFailure(item: SourceItem): item is FrameFailure {
  return "failure" in item;
}
