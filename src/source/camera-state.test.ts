import { describe, expect, it } from "vitest";
import { type CameraEvent, type CameraState, nextCameraState } from "./camera-state.js";

const walk = (from: CameraState, ...events: CameraEvent[]) => events.reduce(nextCameraState, from);

describe("a camera's states", () => {
  it.each<[string, CameraState, CameraEvent[], CameraState]>([
    ["comes to life with its first frame", "connecting", ["frame"], "live"],
    ["is not stalled before its first frame", "connecting", ["silence"], "connecting"],
    ["stalls and goes on", "live", ["silence", "silence", "frame"], "live"],
    ["is blocked by us and goes on", "live", ["overrun", "overrun", "frame"], "live"],
    ["may fall silent while it is blocked", "live", ["overrun", "silence"], "stalled"],
    ["is opened anew for another size", "live", ["resized", "frame"], "live"],
    [
      "breaks, and is opened until it is there again",
      "live",
      ["broke", "retry", "broke", "retry"],
      "connecting",
    ],
    ["ends otherwise than it breaks", "live", ["ended"], "ended"],
    ["is opened again after an end", "ended", ["retry", "frame"], "live"],
  ])("%s", (_, from, events, to) => {
    expect(walk(from, ...events)).toBe(to);
  });

  it.each<[CameraState, CameraEvent]>([
    ["lost", "frame"],
    ["lost", "broke"],
    ["ended", "silence"],
    ["live", "retry"],
  ])("%s can't have %s", (state, event) => {
    expect(() => nextCameraState(state, event)).toThrow(
      expect.objectContaining({ code: "INTERNAL", message: expect.stringContaining(event) }),
    );
  });
});
