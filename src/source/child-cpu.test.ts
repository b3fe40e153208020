import { expect, it } from "vitest";
import { parseProcStat, processCpuUs } from "./child-cpu.js";

it("adds user and system time, whatever the program is called", () => {
  const line = "123 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 17 0 0 20 0 1 0 99 100 200\n";
  expect(parseProcStat(line)).toBe(2_670_000);
  expect(parseProcStat("nonsense")).toBeNull();
});

it("is null for a process that is not there", () => {
  expect(processCpuUs(2 ** 30)).toBeNull();
});

it.runIf(process.platform === "linux")("grows with the work of a process", () => {
  expect(processCpuUs(process.pid)).toBeGreaterThan(0);
});
