import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AiwError } from "../core/errors.js";
import { type FrameOutcome, type FrameResult, isResult } from "../results/frame-outcome.js";
import { blankFrame } from "../testing/blank-frame.js";
import { FakeSink } from "../testing/fake-sink.js";
import { ManualClock } from "../testing/manual-clock.js";
import { droppedTotal, isExact } from "./ledger.js";
import { Stream, type StreamOptions } from "./stream.js";

function setUp(options: StreamOptions = {}) {
  const clock = new ManualClock();
  const sink = new FakeSink(clock);
  const stream = new Stream(sink, clock, options);
  const outcomes: FrameOutcome[] = [];
  stream.on("outcome", (outcome) => outcomes.push(outcome));
  return { clock, sink, stream, outcomes };
}

describe("Stream", () => {
  it("sends at once when it may, then keeps only the newest that waits", () => {
    const { stream, sink } = setUp();
    for (let i = 0; i < 4; i++) stream.offer(blankFrame(), i);
    expect(sink.sent.map(({ seq }) => seq)).toEqual([1]);
    sink.answer({ detections: [] });
    expect(sink.sent.map(({ seq }) => seq)).toEqual([1, 4]);
    expect(stream.counts()).toMatchObject({
      offered: 4,
      sent: 2,
      results: 1,
      inFlight: 1,
      dropped: { latest_wins: 2 },
    });
  });

  it("counts a refused frame as an error and goes on with the next", () => {
    const { stream, sink, outcomes } = setUp();
    sink.refuses = true;
    stream.offer(blankFrame(), 0);
    sink.refuses = false;
    stream.offer(blankFrame(), 0);
    expect(outcomes).toMatchObject([{ seq: 1, error: { code: "FRAME_TOO_LARGE" } }]);
    expect(stream.counts()).toMatchObject({ offered: 2, sent: 1, errors: 1, inFlight: 1 });
  });

  it("counts a picture that could not be read where its frame would have been", () => {
    const { stream, outcomes } = setUp();
    const failure = new AiwError("SOURCE_UNDECODABLE", "broken.jpg");
    stream.offer({ failure, origin: { source: "broken.jpg", width: 0, height: 0 } }, 0);
    expect(outcomes).toMatchObject([{ seq: 1, error: { code: "SOURCE_UNDECODABLE" } }]);
    expect(stream.counts()).toMatchObject({ offered: 1, errors: 1, sent: 0 });
  });

  it("measures from the due time, so that a late start counts", async () => {
    const { stream, sink, outcomes, clock } = setUp();
    const dueUs = clock.nowUs();
    await clock.advanceBy(500);
    stream.offer(blankFrame(), dueUs);
    await clock.advanceBy(1000);
    sink.answer({ detections: [] });
    expect(outcomes[0]).toMatchObject({ latency: { total: 1500, inference: 3 } });
    const { total, ...stages } = (outcomes[0] as FrameResult).latency;
    expect(Object.values(stages).reduce<number>((sum, us) => sum + (us ?? 0), 0)).toBe(total);
  });

  it("drops what waits and what is in flight when the link is lost, and what comes after", () => {
    const { stream, sink } = setUp();
    stream.offer(blankFrame(), 0);
    stream.offer(blankFrame(), 0);
    sink.lose();
    stream.offer(blankFrame(), 0);
    expect(stream.counts()).toMatchObject({ offered: 3, inFlight: 0, dropped: { disconnected: 3 } });
    expect(stream.isIdle).toBe(true);
  });

  it("drops only what is in flight when the link is cut; the newest frame waits for its return", () => {
    const { stream, sink } = setUp();
    for (let i = 0; i < 3; i++) stream.offer(blankFrame(), 0);
    sink.cut();
    expect(stream.isAway).toBe(true);
    expect(stream.counts()).toMatchObject({ inFlight: 1, dropped: { latest_wins: 1, disconnected: 1 } });
    for (let i = 0; i < 2; i++) stream.offer(blankFrame(), 0);
    // Those that gave way meanwhile did so because the link was away.
    expect(stream.counts()).toMatchObject({ inFlight: 1, dropped: { latest_wins: 1, disconnected: 3 } });
    expect(stream.isIdle).toBe(false);
    sink.giveCredit();
    expect(stream.isAway).toBe(false);
    expect(sink.sent.map(({ seq }) => seq)).toEqual([1, 5]);
    sink.answer({ detections: [] });
    expect(stream.counts()).toMatchObject({ offered: 5, results: 1, inFlight: 0 });
  });

  it("is idle when a cut took the last frame, so that a lossless run goes on with the next", async () => {
    const { stream, sink } = setUp();
    stream.offer(blankFrame(), 0);
    const idle = stream.whenIdle();
    sink.cut();
    await idle;
    stream.offer(blankFrame(), 0);
    sink.giveCredit();
    expect(sink.sent.map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it("knows of a link that was lost before it was made", () => {
    const { sink, clock } = setUp();
    sink.lose();
    const late = new Stream(sink, clock);
    late.offer(blankFrame(), 0);
    expect(late.lost).toMatchObject({ code: "WORKER_LOST" });
    expect(late.counts()).toMatchObject({ offered: 1, inFlight: 0, dropped: { disconnected: 1 } });
    expect(late.isIdle).toBe(true);
  });

  it("carries the frame with its result only where frames are kept, and not with an error", () => {
    const plain = setUp();
    plain.stream.offer(blankFrame(), 0);
    plain.sink.answer({ detections: [] });
    expect((plain.outcomes[0] as FrameResult).frame).toBeUndefined();
    const { stream, sink, outcomes } = setUp({ keepFrames: true });
    const offered = blankFrame();
    stream.offer(offered, 0);
    sink.answer({ error: new AiwError("WORKER_REFUSED", "x") });
    stream.offer(offered, 0);
    sink.answer({ detections: [] });
    expect(outcomes[0]).not.toHaveProperty("frame");
    expect((outcomes[1] as FrameResult).frame?.frame).toBe(offered);
  });

  it("gives a kept frame back exactly once, when the sink, the stream and who kept it have let go", () => {
    const action = fc.constantFrom(
      ...["offer", "refuse", "result", "error", "cut", "back", "lose", "close", "letGo"],
    );
    const steps = fc.array(fc.record({ what: action, keep: fc.boolean() }), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (actions) => {
        const { stream, sink } = setUp({ keepFrames: true });
        const releases: number[] = [];
        const keepers: { index: number; letGo: () => void }[] = [];
        let keepNext = false;
        stream.on("outcome", (outcome) => {
          if (!isResult(outcome) || !keepNext || outcome.frame === undefined) return;
          keepers.push({ index: outcome.frame.frame.capturedAtUs, letGo: outcome.frame.keep() });
        });
        for (const { what, keep } of actions) {
          keepNext = keep;
          sink.refuses = what === "refuse";
          if (what === "offer" || what === "refuse") {
            const index = releases.push(0) - 1;
            const give = () => releases.splice(index, 1, (releases[index] ?? 0) + 1);
            stream.offer({ ...blankFrame({ release: give }), capturedAtUs: index }, 0);
          }
          if (what === "result") sink.answer({ detections: [] });
          if (what === "error") sink.answer({ error: new AiwError("WORKER_REFUSED", "x") });
          if (what === "letGo") keepers.shift()?.letGo();
          if (what === "cut") sink.cut();
          if (what === "back" && sink.inFlight === undefined) sink.giveCredit();
          if (what === "lose") sink.lose();
          if (what === "close") {
            stream.close();
            break;
          }
          expect(keepers.map(({ index }) => releases[index])).toEqual(keepers.map(() => 0));
          const onLoan = releases.filter((n) => n === 0).length;
          expect(onLoan).toBe(stream.counts().inFlight + keepers.length);
        }
        stream.close();
        sink.lose();
        for (const { letGo } of keepers) letGo();
        expect(releases).toEqual(releases.map(() => 1));
      }),
      { numRuns: 500 },
    );
  });

  it("keeps the ledger exact at any moment and gives every buffer back, whatever happens", () => {
    const action = fc.constantFrom(
      "offer",
      "failure",
      "missing",
      "result",
      "error",
      "ready",
      "refuse",
      "cut",
      "lose",
      "close",
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        const { stream, sink, outcomes } = setUp();
        let offered = 0;
        let onLoan = 0;
        let closed = false;
        const dropped: Record<string, number> = {};
        stream.on("dropped", ({ reason }) => {
          dropped[reason] = (dropped[reason] ?? 0) + 1;
        });
        for (const what of actions) {
          if (closed) break;
          sink.refuses = what === "refuse";
          if (what === "offer" || what === "refuse") {
            offered++;
            onLoan++;
            let released = false;
            const give = () => {
              if (!released) onLoan--;
              released = true;
            };
            stream.offer(blankFrame({ release: give }), 0);
          }
          if (what === "failure") {
            offered++;
            stream.offer(
              { failure: new AiwError("INTERNAL", "x"), origin: { source: "", width: 0, height: 0 } },
              0,
            );
          }
          if (what === "missing") {
            offered++;
            stream.offerMissing(0);
          }
          if (what === "result") sink.answer({ detections: [] });
          if (what === "error") sink.answer({ error: new AiwError("WORKER_REFUSED", "x") }, false);
          if (what === "ready" && sink.inFlight === undefined) sink.giveCredit();
          if (what === "cut") sink.cut();
          if (what === "lose") sink.lose();
          if (what === "close") {
            stream.close();
            sink.lose();
            closed = true;
          }
          const counts = stream.counts();
          expect(isExact(counts)).toBe(true);
          expect(counts.offered).toBe(offered);
          expect(counts.inFlight).toBe(onLoan);
          expect(counts.inFlight).toBeLessThanOrEqual(2);
          expect(counts.results + counts.errors).toBe(outcomes.length);
          expect(droppedTotal(counts)).toBe(offered - outcomes.length - counts.inFlight);
          expect(dropped).toEqual(counts.dropped);
        }
      }),
      { numRuns: 500 },
    );
  });
});
