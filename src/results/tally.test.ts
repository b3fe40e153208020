import { expect, it } from "vitest";
import type { FrameOutcome } from "./frame-outcome.js";
import { Tally } from "./tally.js";

const box = { x: 1, y: 1, w: 20, h: 20 };

it.each([
  ["is judged by what is in the frames", false, 0],
  ["that can find nothing is not judged by it", true, undefined],
])("a model %s", (_, hasNothingToFind, recall) => {
  const tally = new Tally(undefined, hasNothingToFind);
  tally.add({
    ...{ seq: 0, dueUs: 0, detections: [], truth: [{ id: 1, className: "car", box, visible: 1 }] },
    latency: {
      ...{ totalUs: 1, waitUs: null, transportUs: null, queueUs: null },
      ...{ preprocessUs: null, inferenceUs: null, postprocessUs: null },
    },
  } as unknown as FrameOutcome);
  expect(tally.accuracy.summary()?.recall).toBe(recall);
});
