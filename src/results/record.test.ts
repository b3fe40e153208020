import { describe, expect, it } from "vitest";
import { AiwError } from "../core/errors.js";
import { detectionRecord } from "./record.js";

const BASE = {
  seq: 1,
  origin: { source: "bus.jpg", width: 810, height: 1080 },
  dueUs: 0,
  wallMs: Date.UTC(2026, 10, 22, 10),
};

describe("detectionRecord", () => {
  it("is the contract's record, boxes in pixels of the source's own frame", () => {
    const latency = {
      total: 61200,
      wait: 100,
      transport: 1000,
      queue: 0,
      preprocess: 1100,
      inference: 57900,
      postprocess: 1100,
    };
    const detections = [
      {
        className: "person",
        classId: 0,
        confidence: 0.91234,
        box: { x: 1, y: 2, w: 3, h: 4 },
        trackId: null,
      },
    ];
    const outcome = { ...BASE, sent: { width: 405, height: 540 }, latency, detections, usage: undefined };
    expect(detectionRecord(outcome, "ab")).toEqual({
      schema: "aiw.detections/1",
      source: "bus.jpg",
      seq: 1,
      time: "2026-11-22T10:00:00.000Z",
      width: 810,
      height: 1080,
      latency_ms: {
        total: 61.2,
        wait: 0.1,
        transport: 1,
        queue: 0,
        preprocess: 1.1,
        inference: 57.9,
        postprocess: 1.1,
      },
      model_id: "ab",
      detections: [
        { class: "person", class_id: 0, confidence: 0.9123, box: { x: 2, y: 4, w: 6, h: 8 }, track_id: null },
      ],
    });
  });

  it("has the error in place of detections, under the worker's own name", () => {
    const error = new AiwError("WORKER_REFUSED", "too short", { workerName: "FRAME_SIZE" });
    const record = detectionRecord({ ...BASE, error }, "ab");
    expect(record).toMatchObject({ error: { code: "FRAME_SIZE", message: "too short" }, model_id: "ab" });
    expect(record).not.toHaveProperty("detections");
  });
});
