/** Room for one item: a newer one takes the place of an older one that nobody took in time. */
export class LatestWinsSlot<T> {
  private item: T | undefined;

  get isEmpty(): boolean {
    return this.item === undefined;
  }

  /** Puts an item in; returns the one that had to give way, if any. */
  put(item: T): T | undefined {
    const displaced = this.item;
    this.item = item;
    return displaced;
  }

  take(): T | undefined {
    const item = this.item;
    this.item = undefined;
    return item;
  }
}
