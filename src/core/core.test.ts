import { describe, expect, it } from "vitest";
import { systemClock, waitUntil } from "./clock.js";
import { Emitter } from "./emitter.js";
import { AiwError, toAiwError } from "./errors.js";
import { maskCredentials } from "./mask.js";
import { RingLines } from "./ring-lines.js";

describe("AiwError", () => {
  it("is one line, with exit code and advice from the table", () => {
    const error = new AiwError("NO_MODEL", "no model\n  is given");
    expect(error).toMatchObject({ message: "no model is given", exitCode: 2 });
    expect(error.advice).toContain("--model");
  });

  it("takes what nobody foresaw for a defect of ours", () => {
    expect(toAiwError(new TypeError("x is undefined"))).toMatchObject({ code: "INTERNAL", exitCode: 1 });
    expect(toAiwError("text").message).toBe("text");
  });
});

describe("maskCredentials", () => {
  it.each([
    ["rtsp://user:pass@cam/1 failed", "rtsp://***@cam/1 failed"],
    ["http://u:p@ss@cam:80/a?b", "http://***@cam:80/a?b"],
    ["two rtsp://a:b@c/ and rtsps://d:e@f/", "two rtsp://***@c/ and rtsps://***@f/"],
    ["http://cam/path@2x.jpg", "http://cam/path@2x.jpg"],
    ["nothing to hide, me@example.org", "nothing to hide, me@example.org"],
  ])("%s", (text, masked) => {
    expect(maskCredentials(text)).toBe(masked);
  });
});

describe("RingLines", () => {
  it("joins what was split and keeps the last lines only", () => {
    const ring = new RingLines(2);
    expect(ring.push("a\nb")).toEqual(["a"]);
    expect(ring.push("c\r\nd\n\nunfin")).toEqual(["bc", "d"]);
    expect(ring.last(9)).toEqual(["bc", "d", "unfin"]);
  });

  it("bounds the length of a line that never ends", () => {
    const ring = new RingLines(2, 10);
    for (let i = 0; i < 100; i++) ring.push("x".repeat(1000));
    expect(ring.last(1)).toEqual(["x".repeat(10)]);
  });
});

describe("Emitter", () => {
  it("calls the others although one of them leaves, or listens once more", () => {
    const emitter = new Emitter<{ tick: number }>();
    const seen: string[] = [];
    const off = emitter.on("tick", (n) => {
      seen.push(`a${n}`);
      off();
    });
    emitter.on("tick", (n) => seen.push(`b${n}`));
    emitter.emit("tick", 1);
    emitter.emit("tick", 2);
    expect(seen).toEqual(["a1", "b1", "b2"]);
  });
});

describe("systemClock", () => {
  it("never calls early, and not after a cancel", async () => {
    const dueUs = systemClock.nowUs() + 5_300;
    const cancel = systemClock.at(dueUs, () => expect.unreachable());
    cancel();
    await waitUntil(systemClock, dueUs + 100);
    expect(systemClock.nowUs()).toBeGreaterThanOrEqual(dueUs + 100);
  });

  it("never calls early where it may block, nor before it has returned", async () => {
    for (const aheadUs of [-100, 50, 1_300, 4_700]) {
      const dueUs = systemClock.nowUs() + aheadUs;
      const state = { returned: false };
      await new Promise<void>((resolve) => {
        const done = () => {
          expect(state.returned).toBe(true);
          expect(systemClock.nowUs()).toBeGreaterThanOrEqual(dueUs);
          resolve();
        };
        systemClock.at(dueUs, done, () => true);
        state.returned = true;
      });
    }
  });

  it("asks whether it may block only just before", async () => {
    const dueUs = systemClock.nowUs() + 30_000;
    const askedUs: number[] = [];
    await waitUntil(systemClock, dueUs, undefined, () => askedUs.push(systemClock.nowUs()) < 0);
    for (const us of askedUs) expect(us).toBeGreaterThanOrEqual(dueUs - 2_000);
  });

  it("stops waiting at an abort", async () => {
    const abort = new AbortController();
    const waiting = waitUntil(systemClock, systemClock.nowUs() + 3.6e9, abort.signal);
    abort.abort();
    await waiting;
  });
});
