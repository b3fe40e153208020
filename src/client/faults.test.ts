import { afterEach, describe, expect, it } from "vitest";
import { isExact } from "../pipeline/ledger.js";
import { Stream } from "../pipeline/stream.js";
import { isResult } from "../results/frame-outcome.js";
import { blankFrame } from "../testing/blank-frame.js";
import { type Faults, FaultProxy } from "../testing/fault-proxy.js";
import { hastyClock } from "../testing/hasty-clock.js";
import { ManualClock } from "../testing/manual-clock.js";
import { TableWorker } from "../testing/table-worker.js";
import { dialTo, ReconnectingClient } from "./reconnecting-client.js";

/** More frames, another seed, or a worker of ours (its port and model) in place of the table's, by hand. */
const { AIW_FAULT_FRAMES, AIW_FAULT_SEED, AIW_FAULT_WORKER, AIW_FAULT_MODEL = "m.onnx" } = process.env;
const FRAMES = Number(AIW_FAULT_FRAMES ?? 400);
const SEED = Number(AIW_FAULT_SEED ?? 7);
const SIZE = { width: 64, height: 48 };
const FRAME_BYTES = SIZE.width * SIZE.height * 3 + 80;
const LONG_MS = 60_000 + FRAMES * 100;

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function workerPort(): Promise<number> {
  if (AIW_FAULT_WORKER !== undefined) return Number(AIW_FAULT_WORKER);
  const worker = await TableWorker.start();
  cleanups.push(() => worker.close());
  return worker.port;
}

/**
 * Offers frames through a bad link. Times run fast, so that a silence of 10 s and an answer that is 60 s late
 * are over soon; where they hit a link that is whole, because the machine stood still, it is one more cut.
 * @param offering lossless: the next frame when the one before has its place in the ledger; pressing: sooner
 */
async function through(faults: Faults, offering: "lossless" | "pressing") {
  const clock = hastyClock(100);
  const proxy = await FaultProxy.start(await workerPort(), faults);
  cleanups.push(() => proxy.close());
  const client = await ReconnectingClient.connect({
    dial: dialTo({ host: "127.0.0.1", port: proxy.port, clock }),
    giveUpAfterMs: Number.POSITIVE_INFINITY,
    clock,
  });
  cleanups.push(() => client.shutdown());
  // The first Init has one link to come through; what is looked at is what comes after.
  await client.init({ modelPath: AIW_FAULT_MODEL });
  const stream = new Stream(client, clock);
  const places = new Map<number, string[]>();
  const put = (frame: number, place: string) => places.set(frame, [...(places.get(frame) ?? []), place]);
  stream.on("outcome", (outcome) => put(outcome.dueUs, isResult(outcome) ? "result" : "error"));
  stream.on("dropped", ({ dueUs, reason }) => put(dueUs, reason));
  let onLoan = 0;
  for (let frame = 1; frame <= FRAMES; frame++) {
    if (offering === "lossless") await stream.whenIdle();
    // Three for one that is answered: some give way to newer ones.
    else if (frame % 3 === 0) await stream.whenIdle();
    onLoan++;
    // Its due time is its name.
    const data = Buffer.alloc(SIZE.width * SIZE.height * 3, frame);
    stream.offer(blankFrame({ ...SIZE, data, release: () => void onLoan-- }), frame);
    expect(isExact(stream.counts())).toBe(true);
  }
  await stream.whenIdle();
  const counts = stream.counts();
  stream.close();
  if (AIW_FAULT_FRAMES !== undefined) {
    const figures = { faults, counts, reconnects: client.reconnects, proxy: proxy.counts };
    process.stdout.write(`${JSON.stringify(figures)}
`);
  }
  return { client, proxy, counts, places, onLoan: () => onLoan };
}

function expectExact({ counts, places }: Awaited<ReturnType<typeof through>>): void {
  expect(isExact(counts)).toBe(true);
  expect(counts).toMatchObject({ offered: FRAMES, inFlight: 0 });
  expect(places.size).toBe(FRAMES);
  for (const [frame, where] of places) expect(where, `frame ${frame}`).toHaveLength(1);
  const told = [...places.values()].flat();
  const count = (place: string) => told.filter((one) => one === place).length;
  expect(count("result")).toBe(counts.results);
  expect(count("error")).toBe(counts.errors);
  expect(count("disconnected")).toBe(counts.dropped.disconnected ?? 0);
}

const cutEvery50 = { seed: SEED, cutEveryBytes: 50 * FRAME_BYTES };

describe("frames through a link that is cut every 50 frames on average", () => {
  it.each(["lossless", "pressing"] as const)(
    "%s: each is in exactly one place of the ledger, and its buffer is given back",
    async (offering) => {
      const run = await through(cutEvery50, offering);
      expectExact(run);
      expect(run.counts.results).toBeGreaterThan(0);
      expect(run.proxy.counts.cuts).toBeGreaterThan(0);
      await run.client.shutdown();
      expect(run.onLoan()).toBe(0);
      if (offering === "pressing") return;
      // Every cut costs a lossless run at most the frame that was in flight.
      expect(run.counts.dropped.disconnected ?? 0).toBeLessThanOrEqual(run.client.reconnects);
      expect(Object.keys(run.counts.dropped)).toEqual(["disconnected"]);
    },
    LONG_MS,
  );

  it(
    "with half-open links, turned bits, single bytes, delays and a narrow line as well",
    async () => {
      const more = { halfOpenShare: 0.3, corruptEveryBytes: 60 * FRAME_BYTES, splitShare: 0.02 };
      const slow = { delayMs: 1, bytesPerSecond: 50e6 };
      const run = await through({ ...cutEvery50, ...more, ...slow }, "lossless");
      expectExact(run);
      expect(run.counts.results).toBeGreaterThan(0);
      expect(run.proxy.counts.corrupted).toBeGreaterThan(0);
      expect(run.proxy.counts.split).toBeGreaterThan(0);
    },
    LONG_MS,
  );
});

describe("a link that is half open", () => {
  it("is taken for dead after 10 s without a byte, and another is opened", async () => {
    const clock = new ManualClock();
    const worker = await TableWorker.start();
    cleanups.push(() => worker.close());
    const proxy = await FaultProxy.start(worker.port, { seed: 1 });
    cleanups.push(() => proxy.close());
    let back = () => {};
    const cameBack = new Promise<void>((resolve) => {
      back = resolve;
    });
    const client = await ReconnectingClient.connect({
      dial: dialTo({ host: "127.0.0.1", port: proxy.port, clock }),
      giveUpAfterMs: Number.POSITIVE_INFINITY,
      clock,
      random: () => 0.5,
      onBack: () => back(),
    });
    cleanups.push(() => client.shutdown());
    await client.init({ modelPath: "m.onnx" });
    proxy.deafen();
    const stream = new Stream(client, clock);
    const data = Buffer.alloc(SIZE.width * SIZE.height * 3);
    stream.offer(blankFrame({ ...SIZE, data }), 0);
    await clock.advanceBy(9_999_999);
    expect(stream.isAway).toBe(false);
    await clock.advanceBy(1);
    expect(stream.isAway).toBe(true);
    expect(stream.counts()).toMatchObject({ inFlight: 0, dropped: { disconnected: 1 } });
    await clock.advanceBy(250_000);
    await cameBack;
    expect(client.reconnects).toBe(1);
  });
});
