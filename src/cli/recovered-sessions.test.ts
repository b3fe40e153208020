import { expect, it } from "vitest";
import { Recorded } from "../agent/testing.js";
import { ManualClock } from "../testing/manual-clock.js";
import { tellRecovered } from "./recovered-sessions.js";

it("tells of each once, and of one whose camera nobody knows the recorder alone", () => {
  const clock = new ManualClock();
  const recorded = new Recorded(clock);
  const told: string[] = [];
  const one = { camera: "door", modelId: "ab", startWallMs: 1000, endWallMs: 2500, results: 3 };
  const byClass = { person: 2 };
  tellRecovered(
    [
      { ...one, byClass, sessionId: "s1" },
      { ...one, byClass: {}, sessionId: "s2", camera: "" },
      { ...one, byClass: {}, sessionId: "s3", camera: "yard" },
    ],
    recorded.ports(),
    (camera) => told.push(camera),
  );
  const wallMs = clock.wallMs();
  const close = { wallMs, startWallMs: 1000, reason: "recovered", results: 3 };
  expect(recorded.events).toEqual([
    { name: "session.close", value: { ...close, camera: "door", session: "s1", byClass } },
    { name: "session.close", value: { ...close, camera: "yard", session: "s3", byClass: {} } },
  ]);
  expect(recorded.recorder).toEqual(["stop s1 recovered", "stop s2 recovered", "stop s3 recovered"]);
  expect(told).toEqual(["door", "yard"]);
});
