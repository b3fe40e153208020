import { describe, expect, it, vi } from "vitest";
import { AiwError } from "../core/errors.js";
import type { SourceItem } from "../frame/frame.js";
import { blankFrame } from "../testing/blank-frame.js";
import { type SampledFrame, sample, split } from "./sample.js";

/** Its number is in its first bytes. */
function numbered(number: number, bytes = 12, release = () => {}) {
  const data = Buffer.alloc(bytes);
  data.writeUInt32LE(number);
  return blankFrame({ data, release });
}

const numberOf = ({ pixels }: SampledFrame) => Buffer.from(pixels).readUInt32LE();
const failure = {
  failure: new AiwError("SOURCE_UNDECODABLE", "x"),
  origin: { source: "x", width: 0, height: 0 },
};

async function* of(...items: SourceItem[]) {
  yield* items;
}

async function* numbers(length: number) {
  for (let number = 0; number < length; number++) yield numbered(number);
}

const LIMITS = { count: 8, bytes: 1e6, looked: 10_000 };

describe("sample", () => {
  it.each([1, 7, 8, 9, 15, 16, 17, 100, 1000, 4095])("spreads over a source of %i frames", async (length) => {
    const kept = (await sample(numbers(length), LIMITS)).map(numberOf);
    expect(kept).toHaveLength(Math.min(length, LIMITS.count));
    expect(kept[0]).toBe(0);
    const gaps = [...kept.slice(1), length].map((end, index) => end - (kept[index] ?? 0));
    // No stretch of the source is left out for another: a gap is at most about twice another.
    const mean = length / kept.length;
    expect(Math.max(...gaps)).toBeLessThanOrEqual(2 * mean + 1);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(Math.max(1, Math.floor(mean / 2) - 1));
  });

  it("keeps bytes of its own, since a frame's buffer is used again", async () => {
    const shared = Buffer.alloc(12);
    async function* reusing() {
      for (let number = 0; number < 3; number++) {
        shared.writeUInt32LE(number);
        yield blankFrame({ data: shared });
      }
    }
    expect((await sample(reusing(), LIMITS)).map(numberOf)).toEqual([0, 1, 2]);
  });

  it("releases each frame, whether it keeps it or not", async () => {
    const released = vi.fn();
    const frames = Array.from({ length: 40 }, (_, number) => numbered(number, 12, released));
    await sample(of(...frames), LIMITS);
    expect(released).toHaveBeenCalledTimes(40);
  });

  it("keeps no more bytes than it may, still spread over all", async () => {
    const frames = Array.from({ length: 64 }, (_, number) => numbered(number, 100));
    const kept = await sample(of(...frames), { ...LIMITS, count: 50, bytes: 450 });
    expect(kept).toHaveLength(4);
    expect(numberOf(kept[3]!)).toBeGreaterThanOrEqual(40);
  });

  it("keeps one frame of a source whose frames are larger than that", async () => {
    const kept = await sample(of(numbered(0, 100), numbered(1, 100)), { ...LIMITS, bytes: 50 });
    expect(kept.map(numberOf)).toEqual([0]);
  });

  it("copies ever fewer frames of a long source, so that it never holds much more than it may", async () => {
    const copies = vi.spyOn(Uint8Array, "from");
    const frames = Array.from({ length: 200 }, (_, number) => numbered(number, 100));
    await sample(of(...frames), { ...LIMITS, count: 1000, bytes: 1000 });
    const copied = copies.mock.calls.length;
    copies.mockRestore();
    // 21 at first, then about 10 of each stretch that is twice as long as the one before.
    expect(copied).toBeLessThan(60);
  });

  it("passes over what can't be decoded", async () => {
    const kept = await sample(of(failure, numbered(5), failure, numbered(6)), LIMITS);
    expect(kept.map(numberOf)).toEqual([5, 6]);
  });

  it("gives nothing of a source without a frame", async () => {
    expect(await sample(of(failure), LIMITS)).toEqual([]);
  });

  it("leaves a source that does not end after so many frames, and ends it", async () => {
    let asked = 0;
    let ended = false;
    async function* endless() {
      try {
        for (;;) yield numbered(asked++);
      } finally {
        ended = true;
      }
    }
    const kept = await sample(endless(), { ...LIMITS, looked: 100 });
    expect({ asked, ended, kept: kept.length }).toEqual({ asked: 100, ended: true, kept: 8 });
  });

  it("looks at no more items than that either where none can be decoded", async () => {
    let asked = 0;
    async function* broken() {
      while (asked < 1000) {
        asked++;
        yield failure;
      }
    }
    expect(await sample(broken(), { ...LIMITS, looked: 100 })).toEqual([]);
    expect(asked).toBe(100);
  });

  it("fails as the source does", async () => {
    async function* failing() {
      yield numbered(0);
      throw new AiwError("SOURCE_UNDECODABLE", "cut off");
    }
    await expect(sample(failing(), LIMITS)).rejects.toMatchObject({ code: "SOURCE_UNDECODABLE" });
  });
});

describe("split", () => {
  const frames = (from: number, count: number): SampledFrame[] =>
    Array.from({ length: count }, (_, i) => ({
      pixels: Uint8Array.from([from + i, 0, 0, 0]),
      width: 1,
      height: 1,
    }));

  it("calibrates with every third of each source and judges by the others, sources in turns", () => {
    const { calibrating, judging } = split([frames(0, 7), frames(100, 4)]);
    expect(calibrating.map(numberOf)).toEqual([0, 100, 3, 103, 6]);
    expect(judging.map(numberOf)).toEqual([1, 101, 2, 102, 4, 5]);
  });

  it("has one frame calibrate, and none judge", () => {
    const { calibrating, judging } = split([frames(0, 1), []]);
    expect({ calibrating: calibrating.length, judging: judging.length }).toEqual({
      calibrating: 1,
      judging: 0,
    });
  });
});
