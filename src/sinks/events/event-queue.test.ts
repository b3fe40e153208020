import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AGENT_EVENT_NAMES } from "../../results/agent-event.js";
import { EventQueue, type QueuedEvent } from "./event-queue.js";
import { eventOf } from "./testing.js";

const drained = (queue: EventQueue) => {
  const seen: string[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) {
    seen.push(`${item.event.name} ${item.event.value.wallMs % 1000}`);
    queue.deliver(item);
  }
  return seen;
};

describe("a full queue", () => {
  it("drops detections first, the oldest of them, then states, and sessions last", () => {
    const queue = new EventQueue(3);
    queue.push(eventOf("session.open", 0));
    queue.push(eventOf("ai.detection", 1));
    queue.push(eventOf("ai.detection", 2));
    queue.push(eventOf("camera.state", 3));
    queue.push(eventOf("session.close", 4));
    queue.push(eventOf("ai.detection", 5));
    expect(drained(queue)).toEqual(["session.open 0", "camera.state 3", "session.close 4"]);
    expect(queue.counts()).toEqual({ delivered: 3, dropped: 3, waiting: 0 });
  });

  it("of sessions alone drops the oldest", () => {
    const queue = new EventQueue(2);
    for (const n of [0, 1, 2]) queue.push(eventOf("session.open", n));
    expect(drained(queue)).toEqual(["session.open 1", "session.open 2"]);
  });
});

it("gives what was put back before what is younger", () => {
  const queue = new EventQueue(9);
  for (const n of [0, 1, 2, 3]) queue.push(eventOf(n % 2 === 0 ? "session.open" : "ai.detection", n));
  const taken = [0, 1, 2].map(() => queue.take()!);
  for (const item of taken.reverse()) queue.putBack(item);
  expect(drained(queue)).toEqual(["session.open 0", "ai.detection 1", "session.open 2", "ai.detection 3"]);
});

it("counts what is settled after it was abandoned once", () => {
  const queue = new EventQueue(9);
  queue.push(eventOf("session.open"));
  const item = queue.take()!;
  queue.abandon();
  queue.deliver(item);
  queue.push(eventOf("session.open"));
  expect(queue.counts()).toEqual({ delivered: 0, dropped: 2, waiting: 0 });
  expect(queue.take()).toBeUndefined();
});

const step = fc.oneof(
  fc.record({ push: fc.constantFrom(...AGENT_EVENT_NAMES) }),
  fc.record({ settle: fc.constantFrom("deliver", "drop", "putBack"), which: fc.nat() }),
  fc.constant("take" as const),
);

it("accounts for each event, waits within its bound and in order, whatever is done", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 60 }), (capacity, steps) => {
      const queue = new EventQueue(capacity);
      const taken: QueuedEvent[] = [];
      let written = 0;
      for (const one of steps) {
        if (one === "take") {
          const item = queue.take();
          if (item !== undefined) taken.push(item);
        } else if ("push" in one) {
          queue.push(eventOf(one.push, written));
          written += 1;
        } else if (taken.length > 0) {
          const [item] = taken.splice(one.which % taken.length, 1);
          queue[one.settle as "deliver"](item!);
        }
        const { delivered, dropped, waiting } = queue.counts();
        expect(delivered + dropped + waiting).toBe(written);
        expect(waiting).toBeLessThanOrEqual(capacity);
      }
      const orders: number[] = [];
      for (let item = queue.take(); item !== undefined; item = queue.take()) orders.push(item.order);
      expect(orders).toEqual([...orders].sort((a, b) => a - b));
    }),
  );
});
