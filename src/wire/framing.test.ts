import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MessageSplitter } from "./framing.js";

const CAP = 1000;

function framed(...messages: Uint8Array[]): Buffer {
  return Buffer.concat(
    messages.flatMap((message) => {
      const prefix = Buffer.alloc(4);
      prefix.writeUInt32LE(message.length);
      return [prefix, message];
    }),
  );
}

/** Feeds the chunks; copies what comes out, since views live only as long as their chunk. */
function split(chunks: Iterable<Uint8Array>, cap = CAP): string[] {
  const splitter = new MessageSplitter(cap);
  return [...chunks].flatMap((chunk) =>
    [...splitter.push(chunk)].map((message) => Buffer.from(message).toString("hex")),
  );
}

const message = fc.uint8Array({ minLength: 1, maxLength: 300 });
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("MessageSplitter", () => {
  it("finds the same messages at every single split", () => {
    const messages = [Buffer.from("a"), Buffer.alloc(255, 7), Buffer.from("last")];
    const bytes = framed(...messages);
    for (let at = 0; at <= bytes.length; at++) {
      expect(split([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(messages.map(hex));
    }
  });

  it("finds the same messages byte by byte", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), (messages) => {
        const bytes = framed(...messages);
        expect(split(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(messages.map(hex));
      }),
      { numRuns: 50 },
    );
  });

  it("finds the same messages in chunks of any size", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), fc.array(fc.nat(400)), (messages, cuts) => {
        const bytes = framed(...messages);
        const at = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort(
          (a, b) => a - b,
        );
        const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i], end));
        expect(split(chunks)).toEqual(messages.map(hex));
      }),
    );
  });

  it("hands out a message that lies whole in a chunk without copying it", () => {
    const bytes = framed(Buffer.from("whole"));
    const [view] = [...new MessageSplitter(CAP).push(bytes)];
    expect(view?.buffer).toBe(bytes.buffer);
  });

  it.each([0, CAP + 1, 0x7fffffff, 0xffffffff])("refuses a length of %i before it allocates", (length) => {
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32LE(length);
    expect(() => split([prefix])).toThrow(`a message of ${length} bytes, 1 to ${CAP} are allowed`);
  });

  it("takes a message of exactly the cap", () => {
    expect(split([framed(new Uint8Array(CAP))])).toEqual([hex(new Uint8Array(CAP))]);
  });

  it("takes garbage for what it is: messages within the cap, or an error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
        try {
          for (const found of split([garbage])) expect(found.length / 2).toBeLessThanOrEqual(CAP);
        } catch (error) {
          expect(error).toMatchObject({ code: "PROTOCOL" });
        }
      }),
    );
  });
});
