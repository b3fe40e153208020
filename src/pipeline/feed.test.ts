import { describe, expect, it } from "vitest";
import { Emitter } from "../core/emitter.js";
import { AiwError } from "../core/errors.js";
import type { Frame, SourceItem } from "../frame/frame.js";
import type { FrameSource } from "../source/frame-source.js";
import { blankFrame } from "../testing/blank-frame.js";
import { ManualClock } from "../testing/manual-clock.js";
import { Feed, type Pace } from "./feed.js";
import type { FrameAnswer, FrameSink, OutgoingFrame } from "./frame-sink.js";
import { Stream } from "./stream.js";

/** Answers each frame after a fixed service time of the clock. */
class TimedSink implements FrameSink {
  readonly sent: { seq: number; dueUs: number; atUs: number }[] = [];
  lost: AiwError | undefined;
  private busy = false;
  private readonly events = new Emitter<{ result: FrameAnswer; credit: undefined; lost: AiwError }>();

  constructor(
    private readonly clock: ManualClock,
    private readonly serviceUs: number,
  ) {}

  canSend = () => !this.busy;

  sendFrame({ seq, dueUs, release }: OutgoingFrame): void {
    const sentAtUs = this.clock.nowUs();
    this.sent.push({ seq, dueUs, atUs: sentAtUs });
    this.busy = true;
    this.clock.at(sentAtUs + this.serviceUs, () => {
      release();
      const answeredAtUs = this.clock.nowUs();
      const outcome = { detections: [] };
      this.events.emit("result", {
        seq,
        sentAtUs,
        answeredAtUs,
        outcome,
        stages: undefined,
        usage: undefined,
      });
      this.busy = false;
      this.events.emit("credit", undefined);
    });
  }

  lose = () => {
    this.lost = new AiwError("WORKER_LOST", "gone");
    this.events.emit("lost", this.lost);
  };
  onResult = (listener: (answer: FrameAnswer) => void) => this.events.on("result", listener);
  onCredit = (listener: () => void) => this.events.on("credit", listener);
  onLost = (listener: (error: AiwError) => void) => this.events.on("lost", listener);
}

const frame = (capturedAtUs: number) => blankFrame({ capturedAtUs });

/** A source that gives a frame whenever the test lets one go, and ends when told. */
class HandSource implements FrameSource {
  readonly format = "rgb24";
  readonly name = "hand";
  readonly rateFps = null;
  closed = false;
  private readonly ready: (SourceItem | "end" | Error)[] = [];
  private wake: (() => void) | undefined;

  constructor(readonly live: boolean) {}

  give(...items: (SourceItem | "end" | Error)[]): void {
    this.ready.push(...items);
    this.wake?.();
  }

  async *frames() {
    for (;;) {
      const next = this.ready.shift();
      if (next === "end") return;
      if (next instanceof Error) throw next;
      if (next !== undefined) yield next;
      else {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    this.give("end");
  }
}

function endless(): FrameSource {
  return {
    name: "endless",
    live: false,
    format: "rgb24",
    rateFps: null,
    async *frames() {
      for (;;) yield frame(0);
    },
    close: async () => {},
  };
}

function setUp(source: FrameSource, serviceUs = 10_000) {
  const clock = new ManualClock(0);
  const sink = new TimedSink(clock, serviceUs);
  const stream = new Stream(sink, clock);
  const feed = new Feed(source, clock);
  return { clock, sink, stream, feed };
}

/** Runs a feed while time moves on, until it has ended. */
async function play(
  { clock, stream, feed }: ReturnType<typeof setUp>,
  pace: Pace,
  limits: Parameters<Feed["run"]>[2],
  signal?: AbortSignal,
): Promise<void> {
  const state = { ended: false };
  const run = feed.run(stream, pace, limits, signal).finally(() => {
    state.ended = true;
  });
  run.catch(() => {});
  while (!state.ended) await clock.advanceBy(1_000);
  await run;
}

describe("Feed, paced", () => {
  it("offers frame i at start + i / fps, whatever the sink does, and ends with the last period", async () => {
    const kit = setUp(endless(), 2_000_000);
    await play(kit, { kind: "paced", fps: 10 }, { durationUs: 1_000_000 });
    expect(kit.clock.nowUs()).toBe(1_000_000);
    expect(kit.sink.sent).toEqual([{ seq: 1, dueUs: 0, atUs: 0 }]);
    expect(kit.stream.counts()).toMatchObject({ offered: 10, dropped: { latest_wins: 8 }, inFlight: 2 });
  });

  it("reads ahead while nothing is looked at, as long as enough is at hand", async () => {
    const readAtUs: number[] = [];
    const time: { clock?: ManualClock } = {};
    const source: FrameSource = {
      ...endless(),
      async *frames() {
        for (;;) {
          readAtUs.push(time.clock?.nowUs() ?? 0);
          yield frame(0);
        }
      },
    };
    const kit = setUp(source, 40_000);
    time.clock = kit.clock;
    await play(kit, { kind: "paced", fps: 10 }, { durationUs: 400_000 });
    // Three before the start, then one after each result, and not when its frame is sent.
    expect(readAtUs.slice(0, 3)).toEqual([0, 0, 0]);
    expect(readAtUs.slice(3, 7)).toEqual([40_000, 140_000, 240_000, 340_000]);
  });

  it("reads on while the worker never rests, so that no frame is late", async () => {
    const kit = setUp(endless(), 150_000);
    await play(kit, { kind: "paced", fps: 10 }, { durationUs: 1_000_000 });
    expect(kit.stream.counts().offered).toBe(10);
    expect(kit.stream.counts().dropped).not.toHaveProperty("source_late");
  });

  it("lets the clock block only where no result and no frame of the source is waited for", async () => {
    const handed = new HandSource(false);
    handed.give(...Array.from({ length: 4 }, () => frame(0)));
    const asked = async (source: FrameSource, serviceUs: number) => {
      const kit = setUp(source, serviceUs);
      const answers: boolean[] = [];
      const at = kit.clock.at.bind(kit.clock);
      kit.clock.at = (dueUs: number, fn: () => void, mayBlock?: () => boolean) =>
        at(dueUs, () => {
          if (mayBlock !== undefined) answers.push(mayBlock());
          fn();
        });
      await play(kit, { kind: "paced", fps: 10 }, { durationUs: 400_000 });
      return answers;
    };
    expect(await asked(endless(), 40_000)).toEqual([true, true, true, true]);
    expect(await asked(endless(), 150_000)).toEqual([true, false, false, false]);
    // Of four frames three are at hand at first, and three still when one was taken.
    expect(await asked(handed, 40_000)).toEqual([true, true, false, false]);
  });

  it("does not drift: due times are rounded from the start, not summed", async () => {
    const kit = setUp(endless(), 1_000);
    await play(kit, { kind: "paced", fps: 12 }, { maxFrames: 25 });
    expect(kit.sink.sent.map(({ dueUs }) => dueUs)).toEqual(
      Array.from({ length: 25 }, (_, i) => Math.round((i * 1e6) / 12)),
    );
  });

  it("counts a frame that the source has not ready in time as source_late", async () => {
    const source = new HandSource(false);
    const kit = setUp(source);
    source.give(frame(0), frame(0));
    await play(kit, { kind: "paced", fps: 10 }, { durationUs: 500_000 });
    expect(kit.stream.counts()).toMatchObject({ offered: 5, results: 2, dropped: { source_late: 3 } });
  });

  it("ends with the source", async () => {
    const source = new HandSource(false);
    const kit = setUp(source);
    source.give(frame(0), frame(0), "end");
    await play(kit, { kind: "paced", fps: 10 }, {});
    expect(kit.stream.counts().offered).toBe(2);
  });

  it("throws what the source throws, after the frames before it", async () => {
    const source = new HandSource(false);
    const kit = setUp(source);
    source.give(frame(0), new AiwError("FFMPEG_FAILED", "broken"));
    await expect(play(kit, { kind: "paced", fps: 10 }, {})).rejects.toThrow("broken");
    expect(kit.stream.counts().offered).toBe(1);
  });

  it.each(["lossless", "live"] as const)(
    "leaves no timer of a duration behind when a %s source fails",
    async (kind) => {
      const source = new HandSource(kind === "live");
      const kit = setUp(source);
      source.give(new AiwError("FFMPEG_FAILED", "broken"));
      const pace: Pace = kind === "live" ? { kind, maxFps: undefined } : { kind };
      await expect(play(kit, pace, { durationUs: 3.6e9 })).rejects.toThrow("broken");
      expect(kit.clock.pendingTimers).toBe(0);
    },
  );

  it("ends with the last frame's period when frames end it, not with the duration", async () => {
    const kit = setUp(endless());
    await play(kit, { kind: "paced", fps: 10 }, { maxFrames: 5, durationUs: 30_000_000 });
    expect(kit.clock.nowUs()).toBe(500_000);
    expect(kit.stream.counts().offered).toBe(5);
  });
});

describe("Feed, lossless", () => {
  it("offers each frame when the one before it was answered, and drops none", async () => {
    const source = new HandSource(false);
    const kit = setUp(source, 30_000);
    source.give(...Array.from({ length: 7 }, () => frame(0)), "end");
    await play(kit, { kind: "lossless" }, {});
    await kit.clock.advanceBy(30_000);
    expect(kit.sink.sent.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(kit.stream.counts()).toMatchObject({ offered: 7, results: 7, dropped: {} });
  });

  it("stops after maxFrames, and goes on from there with the next stream", async () => {
    const kit = setUp(endless());
    await play(kit, { kind: "lossless" }, { maxFrames: 3 });
    expect(kit.stream.counts().offered).toBe(3);
  });

  it("stops after the duration", async () => {
    const kit = setUp(endless(), 100_000);
    await play(kit, { kind: "lossless" }, { durationUs: 1_000_000 });
    expect(kit.stream.counts().offered).toBe(10);
  });

  it("stops when it is aborted while the source has nothing", async () => {
    const source = new HandSource(false);
    const kit = setUp(source);
    const abort = new AbortController();
    const run = play(kit, { kind: "lossless" }, {}, abort.signal);
    abort.abort();
    await run;
    await kit.feed.close();
    expect(source.closed).toBe(true);
  });

  it("stops when the link is lost", async () => {
    const kit = setUp(endless());
    kit.clock.at(55_000, kit.sink.lose);
    await play(kit, { kind: "lossless" }, {});
    expect(kit.stream.lost).toMatchObject({ code: "WORKER_LOST" });
  });
});

describe("Feed, live", () => {
  it("leaves out what came before it began", async () => {
    const source = new HandSource(true);
    const kit = setUp(source, 1_000);
    source.give(frame(0), frame(0), frame(0));
    await kit.clock.advanceBy(10_000);
    kit.clock.at(50_000, () => source.give(frame(kit.clock.nowUs()), "end"));
    await play(kit, { kind: "live", maxFps: undefined }, {});
    expect(kit.sink.sent.map(({ seq, dueUs }) => [seq, dueUs])).toEqual([[1, 50_000]]);
  });

  it("offers frames as they arrive, from the time of their arrival", async () => {
    const source = new HandSource(true);
    const kit = setUp(source, 50_000);
    for (const atUs of [10_000, 20_000, 30_000, 100_000]) {
      kit.clock.at(atUs, () => source.give(frame(kit.clock.nowUs())));
    }
    kit.clock.at(200_000, () => source.give("end"));
    await play(kit, { kind: "live", maxFps: undefined }, {});
    expect(kit.sink.sent.map(({ seq, dueUs }) => [seq, dueUs])).toEqual([
      [1, 10_000],
      [3, 30_000],
      [4, 100_000],
    ]);
    expect(kit.stream.counts()).toMatchObject({ offered: 4, results: 3, dropped: { latest_wins: 1 } });
  });

  it("thins to maxFps without counting what it leaves out", async () => {
    const source = new HandSource(true);
    const kit = setUp(source, 1_000);
    for (let i = 0; i < 60; i++)
      kit.clock.at(Math.round((i * 1e6) / 30), () => source.give(frame(kit.clock.nowUs())));
    kit.clock.at(2_000_000, () => source.give("end"));
    await play(kit, { kind: "live", maxFps: 12 }, {});
    expect(kit.stream.counts().offered).toBeGreaterThanOrEqual(23);
    expect(kit.stream.counts().offered).toBeLessThanOrEqual(25);
  });
});

describe("Feed.rewind", () => {
  it("gives back what was read ahead, and goes on with the source's first frame", async () => {
    const released: string[] = [];
    const named = (name: string): Frame => ({ ...frame(0), release: () => released.push(name) });
    const source = new HandSource(false);
    const rewindable: FrameSource = Object.assign(source, {
      rewind: () => source.give(named("first"), "end"),
    });
    const kit = setUp(rewindable);
    source.give(named("seventh"), named("eighth"), named("ninth"));
    await kit.clock.advanceBy(1_000);
    kit.feed.rewind();
    expect(released).toEqual(["seventh", "eighth", "ninth"]);
    await play(kit, { kind: "lossless" }, {});
    expect(released).toEqual(["seventh", "eighth", "ninth", "first"]);
    expect(kit.stream.counts()).toMatchObject({ offered: 1, results: 1 });
  });

  it("leaves a source alone that cannot", async () => {
    const source = new HandSource(false);
    const kit = setUp(source);
    source.give(frame(0), "end");
    await kit.clock.advanceBy(1_000);
    kit.feed.rewind();
    await play(kit, { kind: "lossless" }, {});
    expect(kit.stream.counts()).toMatchObject({ offered: 1, results: 1 });
  });
});
