import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LimitedWork } from "./limited-work.js";

function setUp(atOnce: number, waiting: number) {
  const begun: number[] = [];
  const finish = new Map<number, () => void>();
  const work = new LimitedWork<number>({ atOnce, waiting }, (job) => {
    begun.push(job);
    return new Promise((resolve) => finish.set(job, resolve));
  });
  const end = async (job: number) => {
    finish.get(job)?.();
    finish.delete(job);
    // A turn of the event loop: everything that follows from it has happened then.
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { work, begun, finish, end };
}

async function isSettled(promise: Promise<void>): Promise<boolean> {
  const not = Symbol("not");
  return (await Promise.race([promise, new Promise((resolve) => setImmediate(resolve, not))])) !== not;
}

describe("LimitedWork", () => {
  it("begins some, lets some wait, and refuses the rest", async () => {
    const { work, begun, end } = setUp(2, 1);
    expect([1, 2, 3, 4].map((job) => work.offer(job))).toEqual([true, true, true, false]);
    expect(begun).toEqual([1, 2]);
    await end(2);
    expect(begun).toEqual([1, 2, 3]);
    expect(work.offer(5)).toBe(true);
    expect(begun).toEqual([1, 2, 3]);
  });

  it("is free when a job would begin at once", async () => {
    const { work, end } = setUp(2, 1);
    expect(work.whenFree()).toBeUndefined();
    work.offer(1);
    expect(work.whenFree()).toBeUndefined();
    work.offer(2);
    work.offer(3);
    const free = work.whenFree()!;
    await end(1);
    expect(await isSettled(free)).toBe(false);
    await end(2);
    expect(await isSettled(free)).toBe(true);
  });

  it("is done when all that it took is done, and not what was taken back", async () => {
    const { work, begun, end } = setUp(1, 5);
    await work.whenDone();
    for (const job of [1, 2, 3]) work.offer(job);
    const done = work.whenDone();
    expect(work.takeWaiting()).toEqual([2, 3]);
    expect(await isSettled(done)).toBe(false);
    await end(1);
    expect(await isSettled(done)).toBe(true);
    expect(begun).toEqual([1]);
  });

  it("keeps to its limits and the order, and does each job once, whatever happens", async () => {
    const steps = fc.array(fc.constantFrom("offer", "offer", "end", "takeBack"), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.nat(3), steps, async (atOnce, waiting, list) => {
        const { work, begun, finish, end } = setUp(atOnce, waiting);
        const [taken, back]: [number[], number[]] = [[], []];
        for (const [job, step] of list.entries()) {
          if (step === "offer" && work.offer(job)) taken.push(job);
          if (step === "end") await end([...finish.keys()].at(-1) ?? -1);
          if (step === "takeBack") back.push(...work.takeWaiting());
          expect(finish.size).toBeLessThanOrEqual(atOnce);
          expect(taken.length - begun.length - back.length).toBeLessThanOrEqual(waiting);
        }
        while (finish.size > 0) await end([...finish.keys()][0]!);
        await work.whenDone();
        expect(begun).toEqual(taken.filter((job) => !back.includes(job)));
      }),
    );
  });
});
