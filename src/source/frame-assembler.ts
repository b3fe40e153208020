import type { OnReadOpts } from "node:net";
import type { FramePool, PooledBuffer } from "../frame/frame-pool.js";

/** What a socket's first read goes into when it comes before the size of a frame is known. */
const HEAD_BYTES = 1;

/**
 * Cuts a stream of bytes into frames of a fixed size, without I/O and without copying: whoever reads
 * asks for `room`, lets the kernel write into it, and tells with `filled` how many bytes came.
 */
export class FrameAssembler {
  private pool: FramePool | undefined;
  private current: PooledBuffer | undefined;
  private filledBytes = 0;
  private head: Buffer | undefined;

  /** @param onFrame takes over a whole frame; false means: stop reading until there is room. */
  constructor(private readonly onFrame: (frame: PooledBuffer) => boolean) {}

  /** Sets the size of the frames, before the first byte is read. */
  begin(pool: FramePool): void {
    this.pool = pool;
  }

  /**
   * Where the next bytes belong. net.Socket asks for it when it connects, which is before ffmpeg has
   * told the size: that one read gets a single byte, the only one that is ever copied.
   */
  room(): Buffer {
    if (this.pool === undefined) {
      this.head = Buffer.allocUnsafe(HEAD_BYTES);
      return this.head;
    }
    this.current ??= this.pool.acquire();
    return this.current.data.subarray(this.filledBytes);
  }

  /** `bytes` bytes were written into the last `room`. False means: stop reading until there is room. */
  filled(bytes: number): boolean {
    if (this.head !== undefined) {
      const head = this.head;
      this.head = undefined;
      head.copy(this.room(), 0, 0, bytes);
    }
    this.filledBytes += bytes;
    const { current, pool } = this;
    if (current === undefined || pool === undefined || this.filledBytes < pool.bytes) return true;
    this.current = undefined;
    this.filledBytes = 0;
    return this.onFrame(current);
  }

  /** Takes bytes that lie elsewhere already (a copy), for streams that cannot read into `room`. */
  write(chunk: Uint8Array): boolean {
    let wantsMore = true;
    for (let at = 0; at < chunk.length;) {
      const room = this.room();
      const part = chunk.subarray(at, at + room.length);
      room.set(part);
      at += part.length;
      wantsMore = this.filled(part.length);
    }
    return wantsMore;
  }

  /** Bytes of the frame that is not whole yet. */
  get partialBytes(): number {
    return this.filledBytes;
  }

  /** Gives back the buffer of the unfinished frame; for when nothing reads any more. */
  discardPartial(): void {
    this.current?.release();
    this.current = undefined;
    this.filledBytes = 0;
  }

  /** For `new net.Socket({ onread })`: the socket reads straight into the frames. */
  readonly onread: OnReadOpts = {
    buffer: () => this.room(),
    callback: (bytes) => this.filled(bytes),
  };
}
