import { beforeEach, expect, it } from "vitest";
import { ManualClock } from "../../testing/manual-clock.js";
import { DiskQueue } from "./disk-queue.js";
import { UnclosedSessions } from "./unclosed.js";

const never = new AbortController().signal;
const ROUND_US = 10_000_000;
let clock: ManualClock;
let queue: DiskQueue;
let unclosed: UnclosedSessions;
let tried: number[];
/** Sessions that can't be closed now. */
let stuck: Set<number>;

beforeEach(() => {
  clock = new ManualClock();
  queue = new DiskQueue();
  unclosed = new UnclosedSessions(clock, queue);
  tried = [];
  stuck = new Set();
});

function add(...sessions: number[]): void {
  for (const session of sessions) {
    unclosed.add(async () => {
      tried.push(session);
      return !stuck.has(session);
    });
  }
}

it("asks a disk that is full once a round, and closes all once it has room", async () => {
  stuck = new Set([1, 2, 3]);
  add(1, 2, 3);
  await clock.advanceBy(4 * ROUND_US);
  expect(tried).toEqual([1, 2, 3, 1]);
  stuck.clear();
  await clock.advanceBy(ROUND_US);
  expect(tried.slice(4).sort()).toEqual([1, 2, 3]);
  expect(clock.pendingTimers).toBe(0);
  add(4);
  await clock.advanceBy(ROUND_US);
  expect(tried.at(-1)).toBe(4);
  expect(clock.pendingTimers).toBe(0);
});

it("does not let one that can never be closed hold up the others", async () => {
  stuck = new Set([1]);
  add(1, 2, 3);
  await clock.advanceBy(2 * ROUND_US);
  expect(tried).toEqual([1, 2, 3, 1]);
});

it("comes in turn with what else is written", async () => {
  add(1, 2);
  let finish: () => void = () => {};
  void queue.submit(() => new Promise((resolve) => (finish = resolve)));
  await clock.advanceBy(ROUND_US);
  void queue.submit(async () => void tried.push(100));
  void queue.submit(async () => void tried.push(101));
  finish();
  await queue.drained(never);
  await clock.advanceBy(0);
  expect(tried).toEqual([1, 100, 101, 2]);
});

it("keeps so many, and lets go of the oldest", async () => {
  const all = Array.from({ length: 70 }, (_, n) => n);
  add(...all);
  await clock.advanceBy(ROUND_US);
  expect(tried).toEqual(all.slice(6));
});

it("tries each once more at the end, and then no more", async () => {
  stuck = new Set([1, 2]);
  add(1, 2, 3);
  await unclosed.finish(never);
  expect(tried).toEqual([1, 2, 3]);
  add(4);
  expect(clock.pendingTimers).toBe(0);
});

it("ends a round that is under way, and gives up on a disk that hangs", async () => {
  const giveUp = new AbortController();
  unclosed.add(() => new Promise(() => {}));
  add(2, 3);
  await clock.advanceBy(ROUND_US);
  const finished = unclosed.finish(giveUp.signal);
  giveUp.abort();
  await finished;
  expect(tried).toEqual([]);
  expect(queue.size).toBe(1);
  expect(clock.pendingTimers).toBe(0);
});
