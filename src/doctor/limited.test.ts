import { expect, it } from "vitest";
import { AiwError } from "../core/errors.js";
import { limited } from "./limited.js";

const never = new AbortController().signal;

it("gives what the work gives, or throws what it throws", async () => {
  expect(await limited(async () => 7, 60_000, never)).toBe(7);
  const failing = limited(() => Promise.reject(new Error("broken")), 60_000, never);
  await expect(failing).rejects.toThrow("broken");
});

it("stops work that takes too long, and says so whatever that throws", async () => {
  const work = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(new Error("stopped"))));
  await expect(limited(work, 1, never)).rejects.toMatchObject({
    code: "CHECK_TIMEOUT",
    message: "no answer within 0.001 s",
  });
});

it("leaves alone what heeds nothing", async () => {
  const work = () => new Promise<never>(() => {});
  await expect(limited(work, 1, never, 1)).rejects.toMatchObject({ code: "CHECK_TIMEOUT" });
});

it("waits for interrupted work to stop, and throws the interruption", async () => {
  const controller = new AbortController();
  const reason = new AiwError("INTERRUPTED", "interrupted by SIGINT");
  let hasStopped = false;
  const work = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () =>
        setImmediate(() => {
          hasStopped = true;
          reject(new Error("stopped"));
        }),
      );
      controller.abort(reason);
    });
  await expect(limited(work, 60_000, controller.signal)).rejects.toBe(reason);
  expect(hasStopped).toBe(true);
  await expect(limited(async () => expect.unreachable(), 60_000, controller.signal)).rejects.toBe(reason);
});
