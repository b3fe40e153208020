import { type ChildProcess, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { aiw } from "./aiw.js";

const FAKE_WORKER = fileURLToPath(new URL("../../bench/fake-worker.mjs", import.meta.url));
const FREEZE_MS = 2_000;
const FPS = 20;

let worker: ChildProcess | undefined;
let waking: NodeJS.Timeout | undefined;
afterEach(() => {
  clearInterval(waking);
  // Ends a stopped process too.
  worker?.kill("SIGKILL");
});

/** The next line of stdout that starts with a word: what follows the word. */
function line(of: Interface, word: string): Promise<string> {
  return new Promise((resolve) => {
    const look = (text: string) => {
      if (!text.startsWith(word)) return;
      of.off("line", look);
      resolve(text.slice(word.length).trim());
    };
    of.on("line", look);
  });
}

describe.skipIf(process.platform === "win32")("a worker that freezes for 2 s in mid-run", () => {
  it("shows in p99 and max as a frame that old, and in drops: no coordinated omission", async () => {
    const args = [FAKE_WORKER, "--mean-ms", "5", "--stop-at", String(FPS)];
    worker = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const said = createInterface(worker.stdout!);
    // Stopped while it has a frame, which therefore is at least as old as the freeze was long.
    // Woken again and again: it says that it stops before it does, and a stalled machine may put the first
    // waking in between.
    void line(said, "stopping").then(() => {
      waking = setInterval(() => worker?.kill("SIGCONT"), FREEZE_MS);
    });
    const port = await line(said, "listening");

    const { code, stdout, stderr } = await aiw([
      ...["bench", "--worker", `127.0.0.1:${port}`, "--model", "fake", "--source", "synthetic:"],
      ...["--size", "64x48", "--fps", String(FPS), "--duration", "5s", "--warmup", "0s", "--json", "-"],
    ]);
    expect(code, stderr).toBe(0);
    const { frames, latency_ms: latency } = JSON.parse(stdout);
    expect(latency.total.max).toBeGreaterThanOrEqual(FREEZE_MS);
    // Of at most 100 results the 99th percentile is the largest, in three significant figures.
    expect(latency.total.count).toBeLessThanOrEqual(100);
    expect(latency.total.p99).toBeGreaterThanOrEqual(FREEZE_MS * 0.999);
    expect(frames.dropped.latest_wins).toBeGreaterThanOrEqual((FPS * FREEZE_MS) / 1000 - 2);
    expect(frames).toMatchObject({ offered: 100, errors: 0, in_flight: 0 });
    const dropped = Object.values<number>(frames.dropped).reduce((sum, n) => sum + n, 0);
    expect(frames.offered).toBe(frames.results + dropped);
  });
});
