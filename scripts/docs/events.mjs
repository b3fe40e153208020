import { AGENT_EVENT_NAMES, eventRecord } from "../../dist/results/agent-event.js";

const SESSION = "20261122T100003Z-00031f6e2b97c4d5";
const base = { camera: "door", wallMs: Date.parse("2026-11-22T10:00:03.500Z") };
const startWallMs = Date.parse("2026-11-22T10:00:03.000Z");

/** One of each. */
const SAMPLES = {
  "ai.detection": {
    ...base,
    seq: 42,
    session: SESSION,
    relevant: true,
    detections: [
      {
        className: "person",
        classId: 0,
        confidence: 0.91,
        box: { x: 100, y: 60, w: 80, h: 200 },
        trackId: null,
        relevant: true,
      },
    ],
    sent: { width: 640, height: 480 },
    origin: { width: 1280, height: 960 },
    latency: { total: 61_200, inference: 57_900 },
  },
  "ai.keepalive": { ...base, session: SESSION, state: "closing" },
  "session.open": { ...base, session: SESSION, startWallMs },
  "session.close": {
    ...base,
    session: SESSION,
    startWallMs,
    reason: "silence",
    results: 96,
    byClass: { person: 88 },
  },
  "camera.state": { ...base, state: "lost", before: "live", text: "door is lost: connection refused" },
  "worker.state": { ...base, state: "lost", text: "the link to the worker is lost" },
  "fsm.transition": {
    ...base,
    from: "dwell",
    to: "active",
    because: "it was confirmed over the dwell time",
    session: SESSION,
  },
};

/** A record of each event of the agent, as its outputs write it. */
export function eventExamples() {
  const lines = AGENT_EVENT_NAMES.map((name) => JSON.stringify(eventRecord({ name, value: SAMPLES[name] })));
  return ["```json", ...lines, "```"].join("\n");
}
