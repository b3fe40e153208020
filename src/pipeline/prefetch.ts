import { isFailure, type SourceItem } from "../frame/frame.js";

/** Items that are read whatever goes on: with none at hand the next frame would be late. */
const LEAST = 1;

/**
 * Reads a source ahead of its consumer, so that the next frame is there before it is due. Reads on
 * while it holds fewer than `depth` items.
 */
export class Prefetch {
  private readonly items: SourceItem[] = [];
  private failure: unknown;
  private isQuiet = true;
  private state: "reading" | "ended" | "failed" = "reading";
  private wakeReader: (() => void) | undefined;
  private wakeConsumer: (() => void) | undefined;
  private readonly done: Promise<void>;

  constructor(
    private readonly source: AsyncGenerator<SourceItem, void, undefined>,
    private readonly depth: number,
  ) {
    this.done = this.read();
  }

  /** True once the source has ended and everything it gave was taken. */
  get isExhausted(): boolean {
    return this.state !== "reading" && this.items.length === 0;
  }

  /** Nothing more is awaited from the source before an item is taken. */
  get isAtRest(): boolean {
    return this.state !== "reading" || this.items.length >= this.depth;
  }

  /**
   * The next item if one is there, at once.
   * @throws what the source threw, after the items before it were taken
   */
  takeNow(): SourceItem | undefined {
    const item = this.items.shift();
    if (item === undefined && this.state === "failed") throw this.failure;
    this.wake("wakeReader");
    return item;
  }

  /** Resolves when an item is there, the source is exhausted, or the signal aborts. */
  async whenReady(signal?: AbortSignal): Promise<void> {
    const wake = () => this.wake("wakeConsumer");
    signal?.addEventListener("abort", wake);
    while (this.items.length === 0 && this.state === "reading" && !signal?.aborted) {
      await new Promise<void>((resolve) => {
        this.wakeConsumer = resolve;
      });
    }
    signal?.removeEventListener("abort", wake);
  }

  /**
   * Says whether a frame is being looked at. Reading ahead takes its time from that where cores are few (a
   * frame is drawn or converted), so it waits for a quiet moment, as long as enough is at hand.
   */
  setQuiet(isQuiet: boolean): void {
    this.isQuiet = isQuiet;
    if (isQuiet) this.wake("wakeReader");
  }

  /** Gives back what was read and not taken. */
  discard(): void {
    for (const item of this.items.splice(0)) if (!isFailure(item)) item.release();
    this.wake("wakeReader");
  }

  /**
   * Stops reading and gives back what was read and not taken. A source that is waiting for its next
   * frame has to be closed first, or this waits for that frame.
   */
  async close(): Promise<void> {
    if (this.state === "reading") this.state = "ended";
    this.wake("wakeReader");
    this.wake("wakeConsumer");
    await this.done;
    this.discard();
  }

  private get hasEnough(): boolean {
    return this.items.length >= (this.isQuiet ? this.depth : LEAST);
  }

  private async read(): Promise<void> {
    try {
      for await (const item of this.source) {
        this.items.push(item);
        this.wake("wakeConsumer");
        while (this.hasEnough && this.state === "reading") {
          await new Promise<void>((resolve) => {
            this.wakeReader = resolve;
          });
        }
        if (this.state !== "reading") return;
      }
      this.state = "ended";
    } catch (error) {
      this.failure = error;
      this.state = "failed";
    } finally {
      this.wake("wakeConsumer");
    }
  }

  private wake(who: "wakeReader" | "wakeConsumer"): void {
    const wake = this[who];
    this[who] = undefined;
    wake?.();
  }
}
