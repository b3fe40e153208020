import { AiwError } from "../core/errors.js";

/** Bytes of the length before every message. */
export const PREFIX_BYTES = 4;

/**
 * Splits a byte stream into messages of a little-endian uint32 length and that many bytes. Does no
 * I/O. The length is checked against the cap before anything is allocated for it; a message that
 * lies whole in one chunk is handed out as a view of it, without a copy.
 */
export class MessageSplitter {
  private readonly prefix = new Uint8Array(PREFIX_BYTES);
  private prefixFilled = 0;
  private body: Uint8Array | undefined;
  private bodyFilled = 0;

  /** @param maxBytes largest message accepted */
  constructor(private readonly maxBytes: number) {}

  /**
   * Takes the next bytes; yields each message that they complete. The views are valid until the
   * chunk's owner uses it again.
   * @throws PROTOCOL for a length of 0 or over the cap; the stream is of no use after it.
   */
  *push(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    let at = 0;
    while (at < chunk.length) {
      if (this.prefixFilled < PREFIX_BYTES) {
        const taken = Math.min(PREFIX_BYTES - this.prefixFilled, chunk.length - at);
        this.prefix.set(chunk.subarray(at, at + taken), this.prefixFilled);
        this.prefixFilled += taken;
        at += taken;
        if (this.prefixFilled < PREFIX_BYTES) return;
        this.checkLength();
      }
      const length = this.length();
      if (this.body === undefined && chunk.length - at >= length) {
        this.prefixFilled = 0;
        yield chunk.subarray(at, at + length);
        at += length;
        continue;
      }
      this.body ??= new Uint8Array(length);
      const taken = Math.min(length - this.bodyFilled, chunk.length - at);
      this.body.set(chunk.subarray(at, at + taken), this.bodyFilled);
      this.bodyFilled += taken;
      at += taken;
      if (this.bodyFilled < length) return;
      const message = this.body;
      this.body = undefined;
      this.bodyFilled = 0;
      this.prefixFilled = 0;
      yield message;
    }
  }

  private length(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.prefix;
    return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
  }

  private checkLength(): void {
    const length = this.length();
    if (length === 0 || length > this.maxBytes) {
      throw new AiwError(
        "PROTOCOL",
        `the peer announced a message of ${length} bytes, 1 to ${this.maxBytes} are allowed`,
      );
    }
  }
}
