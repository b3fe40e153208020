import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { collectGarbage, keepNoBufferPool } from "./heap.js";

/** Makes some 100 MB of objects of which the last 20,000 are always alive, then tells what the young ones have. */
const ALLOCATE = `
  const alive = [];
  for (let i = 0; i < 1_000_000; i++) alive[i % 20_000] = { i, text: String(i), more: [i, i, i] };
  const { getHeapSpaceStatistics } = await import("node:v8");
  console.log(getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space").space_size);
`;

function youngBytes(before: string): number {
  const args = ["--input-type=module", "-e", before + ALLOCATE];
  return Number(execFileSync(process.execPath, args, { encoding: "utf8" }));
}

describe("keepYoungGenerationSmall", () => {
  it("has the young objects' space stay as it is, which grows by itself", () => {
    const built = new URL("../../dist/core/heap.js", import.meta.url);
    const kept = youngBytes(`(await import("${built}")).keepYoungGenerationSmall();`);
    expect(kept).toBeGreaterThan(0);
    expect(youngBytes("")).toBeGreaterThanOrEqual(4 * kept);
  });
});

describe("keepNoBufferPool", () => {
  it("has small buffers share no memory", () => {
    const { poolSize } = Buffer;
    try {
      keepNoBufferPool();
      expect(Buffer.from("some text").buffer.byteLength).toBe(9);
    } finally {
      Buffer.poolSize = poolSize;
    }
  });
});

describe("collectGarbage", () => {
  it("takes away what is dead, and leaves nothing behind to call", () => {
    const dead = new WeakRef(Array.from({ length: 100_000 }, (_, i) => ({ i })));
    expect(dead.deref()).toBeDefined();
    return new Promise<void>((resolve) => {
      // A WeakRef that was looked at keeps what it names until the turn is over.
      setImmediate(() => {
        collectGarbage();
        expect(dead.deref()).toBeUndefined();
        expect("gc" in globalThis).toBe(false);
        resolve();
      });
    });
  });
});
