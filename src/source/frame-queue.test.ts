import { describe, expect, it, vi } from "vitest";
import { FrameQueue } from "./frame-queue.js";

function newQueue(overflow: "wait" | "dropOldest", limit = 2) {
  const onRoom = vi.fn();
  const discarded: number[] = [];
  const queue = new FrameQueue<number>({ limit, overflow, onRoom, discard: (item) => discarded.push(item) });
  return { queue, onRoom, discarded };
}

describe("FrameQueue", () => {
  it("tells a producer that can wait when to stop and when to go on", async () => {
    const { queue, onRoom } = newQueue("wait");
    expect([queue.push(1), queue.push(2)]).toEqual([true, false]);
    const items = queue.drain();
    expect((await items.next()).value).toBe(1);
    expect(onRoom).toHaveBeenCalledTimes(1);
    expect((await items.next()).value).toBe(2);
    expect(onRoom).toHaveBeenCalledTimes(1);
  });

  it("never stops a camera: the oldest gives way and is counted", async () => {
    const { queue, discarded } = newQueue("dropOldest");
    expect([1, 2, 3, 4, 5].map((item) => queue.push(item))).toEqual([true, true, true, true, true]);
    expect(discarded).toEqual([1, 2, 3]);
    expect(queue.dropped).toBe(3);
    expect((await queue.drain().next()).value).toBe(4);
  });

  it("hands an item straight to a consumer that waits", async () => {
    const { queue } = newQueue("wait");
    const next = queue.drain().next();
    queue.push(7);
    expect(await next).toEqual({ value: 7, done: false });
  });

  it("throws what broke the producer after what came before", async () => {
    const { queue } = newQueue("wait");
    queue.push(1);
    queue.end(new Error("broken"));
    const items = queue.drain();
    expect((await items.next()).value).toBe(1);
    await expect(items.next()).rejects.toThrow("broken");
  });

  it("when abandoned wakes its consumer, discards what waits and all that still comes", async () => {
    const { queue, discarded } = newQueue("wait");
    const waiting = newQueue("wait");
    const next = waiting.queue.drain().next();
    waiting.queue.abandon();
    expect((await next).done).toBe(true);

    queue.push(1);
    queue.abandon();
    expect(queue.push(2)).toBe(false);
    expect(discarded).toEqual([1, 2]);
    expect((await queue.drain().next()).done).toBe(true);
  });
});
