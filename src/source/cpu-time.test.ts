import { expect, it } from "vitest";
import { parseProcStat, processCpuUs, taskOfThread, threadCpuUs } from "./cpu-time.js";

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

it("is null for a thread that is not there", () => {
  expect(threadCpuUs("/proc/self/task/0")).toBeNull();
});

it.runIf(process.platform === "linux")("grows with the work of the thread that asks", () => {
  const task = taskOfThread();
  const before = threadCpuUs(task!)!;
  expect(before).toBeGreaterThan(0);
  let after = before;
  // Ends as soon as the kernel has counted some of it.
  while (after === before) after = threadCpuUs(task!)!;
  expect(after).toBeGreaterThan(before);
});
