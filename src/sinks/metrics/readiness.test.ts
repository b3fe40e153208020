import { describe, expect, it } from "vitest";
import { cameraHealth, type CameraFacts, healthOfAll } from "./readiness.js";

const S = 1_000_000;
const NOW = 100 * S;

/** A camera at 10 fps whose last result came a second ago. */
function camera(facts: Partial<CameraFacts> = {}): CameraFacts {
  return {
    ...{ name: "cam", sinceUs: 0, lastResultUs: NOW - S, lastLatencyUs: 50_000, rateFps: 10 },
    ...{ rest: undefined, state: "live", link: "linked" },
    ...facts,
  } as CameraFacts;
}

describe("cameraHealth", () => {
  it.each([
    ["a result came lately", {}, true, "a frame was processed 1.0 s ago"],
    ["at the bound", { lastResultUs: NOW - 5 * S }, true, "a frame was processed 5.0 s ago"],
    ["behind it", { lastResultUs: NOW - 5 * S - 1 }, false, "no result for 5.0 s"],
    [
      "frames are rare",
      { rateFps: 0.1, lastResultUs: NOW - 49 * S },
      true,
      "a frame was processed 49.0 s ago",
    ],
    ["and rarer still", { rateFps: 0.1, lastResultUs: NOW - 51 * S }, false, "no result for 51.0 s"],
    [
      "the model is slow",
      { rateFps: undefined, lastLatencyUs: 9 * S, lastResultUs: NOW - 26 * S },
      true,
      "a frame was processed 26.0 s ago",
    ],
    ["no result at all", { lastResultUs: undefined, sinceUs: NOW - S }, false, "no result for 1.0 s"],
    [
      "the worker is away, but not for long",
      { link: "away", lastResultUs: NOW - 2 * S },
      true,
      "a frame was processed 2.0 s ago",
    ],
    [
      "the worker is away",
      { link: "away", lastResultUs: NOW - 9 * S },
      false,
      "the worker is lost and being tried for: no result for 9.0 s",
    ],
    [
      "the worker is lost",
      { link: "lost", lastResultUs: NOW - 9 * S },
      false,
      "the worker is lost for good: no result for 9.0 s",
    ],
    [
      "the camera is lost",
      { state: "lost", lastResultUs: NOW - 7.5 * S },
      false,
      "the camera is lost: no result for 7.5 s",
    ],
    [
      "both are",
      { state: "stalled", link: "away", lastResultUs: NOW - 9 * S },
      false,
      "the worker is lost and being tried for, the camera is stalled: no result for 9.0 s",
    ],
    [
      "no session yet",
      { link: "opening", state: "connecting", lastResultUs: undefined, sinceUs: NOW },
      false,
      "no session with the worker so far, the camera is connecting: no result for 0.0 s",
    ],
    [
      "it rests",
      { rest: "its source has come to its end", state: "ended", lastResultUs: undefined },
      true,
      "at rest: its source has come to its end",
    ],
  ] as const)("%s", (_, facts, ready, reason) => {
    expect(cameraHealth(camera(facts), NOW)).toEqual({ ready, reason });
  });
});

describe("healthOfAll", () => {
  const dead = (name: string) => camera({ name, lastResultUs: NOW - 9 * S });

  it("is not ready before there is a camera", () => {
    expect(healthOfAll([], NOW)).toEqual({ ready: false, reason: "starting: there is no camera so far" });
  });

  it("is ready as long as one camera is, and names first what is not", () => {
    expect(healthOfAll([camera({ name: "a" }), dead("b")], NOW)).toEqual({
      ready: true,
      reason: "b: no result for 9.0 s; a: a frame was processed 1.0 s ago",
    });
    expect(healthOfAll([dead("a"), dead("b")], NOW).ready).toBe(false);
  });

  it("is not made ready by one that rests, unless all do", () => {
    const resting = camera({ name: "a", rest: "its source has come to its end" });
    expect(healthOfAll([resting, dead("b")], NOW).ready).toBe(false);
    expect(healthOfAll([resting], NOW)).toEqual({
      ready: true,
      reason: "a: at rest: its source has come to its end",
    });
  });

  it("does not name cameras without end", () => {
    const many = Array.from({ length: 20 }, (_, i) => dead(`cam${i}`));
    expect(healthOfAll(many, NOW).reason).toMatch(/^cam0: .*cam7: [^;]*; 12 more$/);
  });
});
