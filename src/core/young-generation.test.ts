import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { keepNoBufferPool } from "./young-generation.js";

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
    const built = new URL("../../dist/core/young-generation.js", import.meta.url);
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
