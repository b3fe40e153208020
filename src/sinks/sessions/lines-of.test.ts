import fc from "fast-check";
import { expect, it } from "vitest";
import { linesOf } from "./lines-of.js";

async function* pieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

it("gives whole lines however the file comes, and never what is behind the last of them", async () => {
  const line = fc.string({ unit: "binary" }).map((text) => text.replace(/\n/g, ""));
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(fc.array(line), line, sizes, async (lines, half, chunks) => {
      const whole = Buffer.from(lines.map((one) => `${one}\n`).join(""));
      const found = [];
      for await (const one of linesOf(pieces(Buffer.concat([whole, Buffer.from(half)]), chunks)))
        found.push(one);
      expect(found.map(({ text }) => text)).toEqual(lines.map((one) => Buffer.from(one).toString()));
      expect(found.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(whole.length);
    }),
  );
});
