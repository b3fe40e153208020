import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AiwError } from "../../core/errors.js";
import { KeptFrame } from "../../frame/kept-frame.js";
import type { FrameResult } from "../../results/frame-outcome.js";
import type { encodeJpeg } from "./encode-jpeg.js";
import { openPictures, PictureSink } from "./pictures.js";

const SIZE = { width: 64, height: 48 };
const never = new AbortController().signal;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aiw-pictures-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Outcomes as a stream that keeps frames hands them out, and how often each frame was given back. */
class Frames {
  readonly released: number[] = [];
  private seq = 0;

  /** Hands one out and lets go, as the stream does. */
  give(sink: PictureSink, detections: FrameResult["detections"] = []): void {
    const seq = ++this.seq;
    this.released[seq - 1] = 0;
    const origin = { source: "bus.jpg", width: 640, height: 480 };
    const frame = new KeptFrame({
      data: Buffer.alloc(SIZE.width * SIZE.height * 3, 200),
      ...SIZE,
      format: "rgb24",
      origin,
      capturedAtUs: 0,
      release: () => this.released.splice(seq - 1, 1, (this.released[seq - 1] ?? 0) + 1),
    });
    const latency = {
      total: 1,
      wait: 0,
      transport: 0,
      queue: 0,
      preprocess: 0,
      inference: 0,
      postprocess: 0,
    };
    const letGo = frame.keep();
    try {
      sink.write({
        ...{ seq, origin, dueUs: 0, wallMs: 0, sent: SIZE, latency, detections, usage: undefined },
        frame,
      });
    } finally {
      letGo();
    }
  }
}

/** An encoder whose pictures the test finishes. */
class FakeEncoder {
  readonly begun: { finish(): void; fail(error: Error): void }[] = [];

  readonly encode: typeof encodeJpeg = () =>
    new Promise((resolve, reject) => {
      this.begun.push({ finish: () => resolve(Buffer.from("jpeg")), fail: reject });
    });
}

describe("pictures", () => {
  it("writes one of each frame with a result, into a folder that it makes", async () => {
    const inside = join(folder, "a", "b");
    const sink = openPictures(inside);
    const frames = new Frames();
    const box = { x: 10, y: 10, w: 30, h: 30 };
    frames.give(sink, [{ className: "dog", classId: 0, confidence: 0.5, box, trackId: null }]);
    sink.write({
      ...{ seq: 2, origin: { source: "broken.jpg", width: 0, height: 0 }, dueUs: 0, wallMs: 0 },
      error: new AiwError("SOURCE_UNDECODABLE", "x"),
    });
    await sink.close(never);
    expect(readdirSync(inside)).toEqual(["bus-000001.jpg"]);
    const { width, height, format } = await sharp(readFileSync(join(inside, "bus-000001.jpg"))).metadata();
    expect({ width, height, format }).toEqual({ ...SIZE, format: "jpeg" });
    expect(frames.released).toEqual([1]);
    expect(sink.summary()).toBe(`pictures: 1 in ${inside}`);
  });

  it("holds few frames, leaves out what comes too fast, and counts it", async () => {
    const [frames, encoder] = [new Frames(), new FakeEncoder()];
    const sink = new PictureSink(folder, encoder.encode);
    expect(sink.caughtUp()).toBeUndefined();
    for (let i = 0; i < 20; i++) frames.give(sink);
    expect(encoder.begun).toHaveLength(2);
    expect(frames.released).toEqual([...Array<number>(6).fill(0), ...Array<number>(14).fill(1)]);
    const closed = sink.close(never);
    for (let i = 0; i < 6; i++) {
      await waitFor(() => encoder.begun.length > i);
      encoder.begun[i]?.finish();
    }
    await closed;
    expect(frames.released).toEqual(Array<number>(20).fill(1));
    expect(readdirSync(folder)).toHaveLength(6);
    expect(sink.summary()).toBe(`pictures: 6 in ${folder}, 14 left out for want of time`);
  });

  it("leaves none out for who waits until it has caught up", async () => {
    const frames = new Frames();
    const sink = openPictures(folder);
    for (let i = 0; i < 12; i++) {
      await sink.caughtUp();
      frames.give(sink);
    }
    await sink.close(never);
    expect(readdirSync(folder)).toHaveLength(12);
    expect(sink.summary()).toBe(`pictures: 12 in ${folder}`);
  });

  it("finishes what was begun when it is given up, and leaves out what waits", async () => {
    const [frames, encoder] = [new Frames(), new FakeEncoder()];
    const sink = new PictureSink(folder, encoder.encode);
    for (let i = 0; i < 5; i++) frames.give(sink);
    const giveUp = new AbortController();
    const closed = sink.close(giveUp.signal);
    giveUp.abort();
    expect(frames.released).toEqual([0, 0, 1, 1, 1]);
    for (const picture of encoder.begun) picture.finish();
    await closed;
    expect(readdirSync(folder)).toEqual(["bus-000001.jpg", "bus-000002.jpg"]);
    expect(encoder.begun).toHaveLength(2);
  });

  it.skipIf(!existsSync("/dev/full"))("says what could not be written, and writes no more", async () => {
    const frames = new Frames();
    symlinkSync("/dev/full", join(folder, "bus-000001.jpg"));
    const sink = openPictures(folder);
    frames.give(sink);
    const failure = {
      code: "OUTPUT_FAILED",
      message: expect.stringContaining("bus-000001.jpg cannot be written"),
    };
    await expect(sink.close(never)).rejects.toMatchObject(failure);
    expect(() => frames.give(sink)).toThrow("cannot be written (ENOSPC)");
    await expect(sink.close(never)).rejects.toMatchObject(failure);
    expect(frames.released).toEqual([1, 1]);
    expect(readdirSync(folder)).toEqual(["bus-000001.jpg"]);
  });

  it("gives every frame back exactly once, whatever fails and whenever", async () => {
    const step = fc.constantFrom("give", "give", "finish", "fail");
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.boolean(), async (steps, givesUp) => {
        const [frames, encoder] = [new Frames(), new FakeEncoder()];
        const sink = new PictureSink(folder, encoder.encode);
        let failed = false;
        for (const what of steps) {
          if (what === "give" && !failed) frames.give(sink);
          const picture = encoder.begun.find(() => true);
          if (picture === undefined || what === "give") continue;
          encoder.begun.shift();
          if (what === "finish") picture.finish();
          failed ||= what === "fail";
          if (what === "fail") picture.fail(new Error("out of memory"));
          await turn();
        }
        const giveUp = new AbortController();
        const closed = sink.close(giveUp.signal).then(
          () => "written",
          () => "failed",
        );
        if (givesUp) giveUp.abort();
        let outcome: string | undefined;
        void closed.then((how) => (outcome = how));
        while (outcome === undefined) {
          encoder.begun.shift()?.finish();
          await turn();
        }
        expect(outcome).toBe(failed ? "failed" : "written");
        expect(frames.released).toEqual(frames.released.map(() => 1));
        expect(readdirSync(folder).filter((name) => !name.endsWith(".jpg"))).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}
