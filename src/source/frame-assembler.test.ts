import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FramePool } from "../frame/frame-pool.js";
import { FrameAssembler } from "./frame-assembler.js";

const FRAME_BYTES = 7;

function newAssembler(wantsMore = true) {
  const frames: number[][] = [];
  const assembler = new FrameAssembler(({ data, release }) => {
    frames.push([...data]);
    release();
    return wantsMore;
  });
  return { frames, assembler };
}

/** What the kernel does: at most as many bytes as there is room for. */
function feed(assembler: FrameAssembler, bytes: Uint8Array, reads: readonly number[]): void {
  let at = 0;
  for (let i = 0; at < bytes.length; i += 1) {
    const room = assembler.room();
    const part = bytes.subarray(at, at + Math.min(room.length, reads[i % reads.length] ?? 1));
    room.set(part);
    assembler.filled(part.length);
    at += part.length;
  }
}

function cut(bytes: Uint8Array): number[][] {
  const whole = Math.floor(bytes.length / FRAME_BYTES);
  return Array.from({ length: whole }, (_, i) => [...bytes.subarray(i * FRAME_BYTES, (i + 1) * FRAME_BYTES)]);
}

const reads = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 });

describe("FrameAssembler", () => {
  it("gives the same frames however the bytes are split, with the size known late or not", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), reads, fc.boolean(), (bytes, splits, askedEarly) => {
        const { frames, assembler } = newAssembler();
        const early = askedEarly ? assembler.room() : undefined;
        assembler.begin(new FramePool(FRAME_BYTES));
        let rest = bytes;
        if (early !== undefined && bytes.length > 0) {
          const first = Math.min(early.length, bytes.length);
          early.set(bytes.subarray(0, first));
          assembler.filled(first);
          rest = bytes.subarray(first);
        }
        feed(assembler, rest, splits);
        expect(frames).toEqual(cut(bytes));
        expect(assembler.partialBytes).toBe(bytes.length % FRAME_BYTES);
      }),
    );
  });

  it("gives the same frames of chunks that lie elsewhere", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 30 })), (chunks) => {
        const { frames, assembler } = newAssembler();
        assembler.begin(new FramePool(FRAME_BYTES));
        for (const chunk of chunks) assembler.write(chunk);
        expect(frames).toEqual(cut(Buffer.concat(chunks)));
      }),
    );
  });

  it("says stop when a frame is whole and nobody wants more, and never within a frame", () => {
    const { assembler } = newAssembler(false);
    assembler.begin(new FramePool(FRAME_BYTES));
    const answers = Array.from({ length: FRAME_BYTES }, () => {
      assembler.room();
      return assembler.filled(1);
    });
    expect(answers).toEqual([true, true, true, true, true, true, false]);
  });

  it("reads into one pooled buffer for ever when frames are released", () => {
    const pool = new FramePool(FRAME_BYTES);
    const buffers = new Set<ArrayBufferLike>();
    const assembler = new FrameAssembler(({ data, release }) => {
      buffers.add(data.buffer);
      release();
      return true;
    });
    assembler.begin(pool);
    feed(assembler, new Uint8Array(FRAME_BYTES * 50), [3]);
    expect(buffers.size).toBe(1);
  });

  it("gives the buffer of an unfinished frame back", () => {
    const pool = new FramePool(FRAME_BYTES);
    const { assembler } = newAssembler();
    assembler.begin(pool);
    const { buffer } = assembler.room();
    assembler.filled(3);
    assembler.discardPartial();
    expect(pool.acquire().data.buffer).toBe(buffer);
  });
});
