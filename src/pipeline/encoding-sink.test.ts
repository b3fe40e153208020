import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AiwError } from "../core/errors.js";
import type { Frame } from "../frame/frame.js";
import type { FrameOutcome } from "../results/frame-outcome.js";
import { FakeSink } from "../testing/fake-sink.js";
import { ManualClock } from "../testing/manual-clock.js";
import { EncodingSink } from "./encoding-sink.js";
import { isExact } from "./ledger.js";
import { Stream } from "./stream.js";

const CANNOT = new AiwError("FRAME_NOT_ENCODED", "too wide");

/** A stream through an encoder whose pictures come when the test says so: the frame's first byte, negated. */
function setUp() {
  const clock = new ManualClock();
  const inner = new FakeSink(clock);
  const encodings: { resolve(): void; reject(error: unknown): void }[] = [];
  const encode = ({ data }: { data: Uint8Array }) =>
    new Promise<Uint8Array>((resolve, reject) => {
      encodings.push({ resolve: () => resolve(Uint8Array.of(255 - (data[0] ?? 0))), reject });
    });
  const stream = new Stream(new EncodingSink(inner, "jpeg", encode, clock), clock);
  const outcomes: FrameOutcome[] = [];
  stream.on("outcome", (outcome) => outcomes.push(outcome));
  const released: number[] = [];
  const offer = (value: number) =>
    stream.offer(
      frame(value, () => released.push(value)),
      0,
    );
  const encoded = () => {
    encodings.shift()?.resolve();
    return nextTurn();
  };
  const failed = (error: unknown = CANNOT) => {
    encodings.shift()?.reject(error);
    return nextTurn();
  };
  return { inner, stream, outcomes, released, encodings, offer, encoded, failed };
}

function frame(value: number, release: () => void): Frame {
  const origin = { source: "test", width: 1, height: 1 };
  const data = Buffer.of(value, value, value);
  return { data, width: 1, height: 1, format: "rgb24", origin, capturedAtUs: 0, release };
}

describe("EncodingSink", () => {
  it("sends what was encoded, and gives the pixels back once they are read", async () => {
    const { inner, outcomes, released, offer, encoded } = setUp();
    offer(7);
    expect([inner.sent.length, released]).toEqual([0, []]);
    await encoded();
    expect(inner.sent).toMatchObject([{ seq: 1, format: "jpeg", data: Uint8Array.of(248) }]);
    expect(released).toEqual([7]);
    inner.answer({ detections: [] });
    expect(outcomes).toMatchObject([{ seq: 1, sent: { width: 1, height: 1 } }]);
  });

  it("encodes only what may be sent, and keeps the newest that waits", async () => {
    const { inner, stream, encodings, offer, encoded } = setUp();
    for (const value of [1, 2, 3]) offer(value);
    await encoded();
    offer(4);
    expect(encodings.length).toBe(0);
    inner.answer({ detections: [] });
    expect(encodings.length).toBe(1);
    await encoded();
    expect(inner.sent.map(({ seq }) => seq)).toEqual([1, 4]);
    expect(stream.counts()).toMatchObject({ offered: 4, inFlight: 1, dropped: { latest_wins: 2 } });
  });

  it("answers a frame that cannot be encoded with the reason, and goes on with the next", async () => {
    const { inner, stream, outcomes, released, offer, encoded, failed } = setUp();
    offer(1);
    offer(2);
    await failed();
    expect(outcomes).toMatchObject([{ seq: 1, error: { code: "FRAME_NOT_ENCODED" } }]);
    await encoded();
    inner.answer({ detections: [] });
    expect(inner.sent.map(({ seq }) => seq)).toEqual([2]);
    expect(released).toEqual([1, 2]);
    expect(stream.counts()).toMatchObject({ offered: 2, results: 1, errors: 1, inFlight: 0 });
  });

  it("answers a frame whose picture the sink refuses with the reason", async () => {
    const { inner, stream, outcomes, offer, encoded } = setUp();
    inner.refuses = true;
    offer(1);
    await encoded();
    expect(outcomes).toMatchObject([{ seq: 1, error: { code: "FRAME_TOO_LARGE" } }]);
    expect(stream.isIdle).toBe(true);
  });

  it("sends nothing when the link was lost meanwhile", async () => {
    const { inner, stream, outcomes, released, offer, encoded } = setUp();
    offer(1);
    inner.lose();
    expect(stream.counts()).toMatchObject({ inFlight: 0, dropped: { disconnected: 1 } });
    await encoded();
    expect([inner.sent, outcomes, released]).toEqual([[], [], [1]]);
    expect(stream.lost).toMatchObject({ code: "WORKER_LOST" });
  });

  it("sends nothing of a frame whose link was cut meanwhile, though it is back, and then the next", async () => {
    const { inner, stream, released, offer, encoded } = setUp();
    offer(1);
    inner.cut();
    inner.giveCredit();
    expect(stream.counts()).toMatchObject({ inFlight: 0, dropped: { disconnected: 1 } });
    offer(2);
    await encoded();
    expect([inner.sent.length, released]).toEqual([0, [1]]);
    await encoded();
    inner.answer({ detections: [] });
    expect(inner.sent.map(({ seq }) => seq)).toEqual([2]);
    expect(stream.counts()).toMatchObject({ offered: 2, results: 1, inFlight: 0 });
  });

  it("keeps the ledger exact and gives every buffer back once, whatever happens", async () => {
    const action = fc.constantFrom("offer", "encoded", "failed", "result", "error", "cut", "back", "lose");
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
        const { inner, stream, released, offer, encoded, failed } = setUp();
        let offered = 0;
        for (const what of actions) {
          if (what === "offer") offer(offered++);
          if (what === "encoded") await encoded();
          if (what === "failed") await failed();
          if (what === "result") inner.answer({ detections: [] });
          if (what === "error") inner.answer({ error: new AiwError("WORKER_REFUSED", "x") });
          if (what === "cut") inner.cut();
          if (what === "back" && inner.inFlight === undefined) inner.giveCredit();
          if (what === "lose") inner.lose();
          expect(isExact(stream.counts())).toBe(true);
          expect(stream.counts()).toMatchObject({ offered });
        }
        stream.close();
        await encoded();
        inner.lose();
        expect(released.sort((a, b) => a - b)).toEqual(Array.from({ length: offered }, (_, i) => i));
      }),
      { numRuns: 200 },
    );
  });
});
