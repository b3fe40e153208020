export interface FrameQueueOptions<T> {
  /** How many items may wait. */
  readonly limit: number;
  /**
   * wait: `push` says when to stop and `onRoom` when to go on. dropOldest: the producer cannot be
   * stopped (a camera), so the oldest waiting item gives way.
   */
  readonly overflow: "wait" | "dropOldest";
  /** Called when a full queue has room again. */
  readonly onRoom?: () => void;
  /** Takes an item that nobody will ever see. */
  readonly discard: (item: T) => void;
}

type State = { readonly at: "open" } | { readonly at: "ended"; readonly error: Error | undefined };

/** Hands items from a producer that pushes to one consumer that pulls; bounded. */
export class FrameQueue<T> {
  private readonly items: T[] = [];
  private state: State = { at: "open" };
  private wake: (() => void) | undefined;
  /** Items that gave way to younger ones. */
  dropped = 0;

  constructor(private readonly options: FrameQueueOptions<T>) {}

  /** True while there is room for one more; pushing past that is allowed, once, for what is in flight. */
  push(item: T): boolean {
    const { limit, overflow, discard } = this.options;
    if (this.state.at !== "open") {
      discard(item);
      return false;
    }
    this.items.push(item);
    if (overflow === "dropOldest" && this.items.length > limit) {
      const oldest = this.items.shift();
      if (oldest !== undefined) discard(oldest);
      this.dropped += 1;
    }
    this.wakeConsumer();
    return overflow === "dropOldest" || this.items.length < limit;
  }

  /** No more items will come; the consumer still gets those that wait, then `error` if there is one. */
  end(error?: Error): void {
    if (this.state.at !== "open") return;
    this.state = { at: "ended", error };
    this.wakeConsumer();
  }

  /** Ends it now: what waits is discarded, and an error that was not thrown yet never is. */
  abandon(): void {
    this.state = { at: "ended", error: undefined };
    for (const item of this.items.splice(0)) this.options.discard(item);
    this.wakeConsumer();
  }

  /** The items in order, for one consumer. @throws what `end` was given. */
  async *drain(): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const item = this.items.shift();
      if (item !== undefined) {
        if (this.state.at === "open" && this.items.length === this.options.limit - 1) this.options.onRoom?.();
        yield item;
      } else if (this.state.at === "ended") {
        if (this.state.error !== undefined) throw this.state.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    }
  }

  private wakeConsumer(): void {
    this.wake?.();
    this.wake = undefined;
  }
}
