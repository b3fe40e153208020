import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { settledOrAborted } from "./settled-or-aborted.js";

const never = new Promise<void>(() => {});

describe("settledOrAborted", () => {
  it("ends with the promise, and hears nothing of the signal then", async () => {
    const { signal } = new AbortController();
    await settledOrAborted(Promise.resolve(), signal);
    await expect(settledOrAborted(Promise.reject(new Error("x")), signal)).rejects.toThrow("x");
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("ends with the signal, before or after it was asked", async () => {
    const controller = new AbortController();
    const waiting = settledOrAborted(never, controller.signal);
    controller.abort();
    await waiting;
    await settledOrAborted(never, controller.signal);
  });
});
