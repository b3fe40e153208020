import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ClientEvent, type ClientState, isAllowed, nextState } from "./state.js";

function run(...events: ClientEvent[]): ClientState {
  return events.reduce<ClientState>(nextState, "connected");
}

describe("client state", () => {
  it("has a credit only after InitOk and Ready", () => {
    expect(isAllowed(run("sendInit", "initOk"), "sendFrame")).toBe(false);
    expect(isAllowed(run("sendInit", "initOk", "ready"), "sendFrame")).toBe(true);
  });

  it("gets its credit back with a Result, without Ready", () => {
    expect(run("sendInit", "initOk", "ready", "sendFrame", "result")).toBe("ready");
  });

  it("takes no credit from an Error, only from the Ready after it", () => {
    const afterError = run("sendInit", "initOk", "ready", "sendFrame", "frameError");
    expect(afterError).toBe("starved");
    expect(nextState(afterError, "ready")).toBe("ready");
  });

  it("keeps session and credit when another Init is refused", () => {
    expect(run("sendInit", "initOk", "ready", "sendInit", "initRefused")).toBe("ready");
    expect(run("sendInit", "initRefused")).toBe("connected");
  });

  it("sets the credit to one: Ready twice is one credit", () => {
    const state = run("sendInit", "initOk", "ready", "ready", "sendFrame");
    expect(isAllowed(state, "sendFrame")).toBe(false);
  });

  it("does not lose a Ready that comes before the Error it belongs to", () => {
    expect(run("sendInit", "initOk", "ready", "sendFrame", "ready", "frameError")).toBe("ready");
  });

  it("does not double the credit when Ready comes before the Result", () => {
    const state = run("sendInit", "initOk", "ready", "sendFrame", "ready", "result", "sendFrame");
    expect(isAllowed(state, "sendFrame")).toBe(false);
  });

  it("refuses an answer without a frame in flight", () => {
    expect(() => run("sendInit", "initOk", "ready", "result")).toThrow('"result" is not allowed while ready');
  });

  it("never has two frames in flight and never starves after a credit, whatever happens", () => {
    const events: ClientEvent[] = [
      "sendInit",
      "initOk",
      "initRefused",
      "ready",
      "sendFrame",
      "result",
      "frameError",
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 60 }), (sequence) => {
        let state: ClientState = "connected";
        let inFlight = 0;
        for (const event of sequence) {
          if (!isAllowed(state, event)) continue;
          state = nextState(state, event);
          if (event === "sendFrame") inFlight++;
          if (event === "result" || event === "frameError") inFlight--;
          expect(inFlight).toBeGreaterThanOrEqual(0);
          expect(inFlight).toBeLessThanOrEqual(1);
          expect(isAllowed(state, "sendFrame") && inFlight === 1).toBe(false);
          if (event === "ready" && inFlight === 0 && !/connected|initialising/.test(state)) {
            expect(isAllowed(state, "sendFrame")).toBe(true);
          }
        }
      }),
    );
  });
});
