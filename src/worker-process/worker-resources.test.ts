import { expect, test } from "vitest";
import { parseResources, workerResources } from "./worker-resources.js";

test("reads resident memory and processor time, whatever the program is called", () => {
  const stat = "42 (a) b (c) S 1 42 42 0 -1 4194304 1 0 0 0 150 25 0 0 20 0 9 0 100 1 1";
  expect(parseResources("Name:\tx\nVmRSS:\t    2048 kB\n", stat)).toEqual({
    rssBytes: 2 ** 21,
    cpuUs: 1_750_000,
  });
  expect(parseResources("State: Z (zombie)\n", stat)).toBeNull();
});

test.runIf(process.platform === "linux")("of a live process, and of none", () => {
  expect(workerResources(process.pid)?.rssBytes).toBeGreaterThan(2 ** 20);
  expect(workerResources(2 ** 30)).toBeNull();
});
