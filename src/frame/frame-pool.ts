/** A buffer on loan from a pool; `release` gives it back, and only its first call counts. */
export interface PooledBuffer {
  readonly data: Buffer;
  release(): void;
}

/**
 * Buffers of one size that are used again, so that steady state allocates nothing per frame. It
 * grows to as many as are on loan at once; who takes them bounds that (a prefetch depth, a slot).
 */
export class FramePool {
  private readonly free: Buffer[] = [];

  /** @param allocate makes a buffer of that many bytes; one of plain memory by default */
  constructor(
    readonly bytes: number,
    private readonly allocate: (bytes: number) => Buffer = (bytes) => Buffer.allocUnsafeSlow(bytes),
  ) {}

  acquire(): PooledBuffer {
    const data = this.free.pop() ?? this.allocate(this.bytes);
    let onLoan = true;
    return {
      data,
      release: () => {
        if (onLoan) this.free.push(data);
        onLoan = false;
      },
    };
  }
}
