import type { LinkFigures } from "../../client/reconnecting-client.js";
import { AiwError } from "../../core/errors.js";
import { Stream } from "../../pipeline/stream.js";
import type { AgentEvent } from "../../results/agent-event.js";
import type { Detection } from "../../results/detection.js";
import { blankFrame } from "../../testing/blank-frame.js";
import { FakeSink } from "../../testing/fake-sink.js";
import { ManualClock } from "../../testing/manual-clock.js";
import type { CameraMetrics, CameraPipeline } from "./camera-metrics.js";
import { ClientMetrics } from "./client-metrics.js";

export interface FakePipeline {
  readonly camera: CameraMetrics;
  readonly sink: FakeSink;
  readonly stream: Stream;
  readonly link: { -readonly [K in keyof LinkFigures]: LinkFigures[K] };
}

export function setUpMetrics() {
  const clock = new ManualClock();
  const metrics = new ClientMetrics(clock);
  const add = (pipeline: Partial<CameraPipeline> = {}): FakePipeline => {
    const sink = new FakeSink(clock);
    const stream = new Stream(sink, clock);
    const link: FakePipeline["link"] = { linkState: "linked", inits: 1, reconnects: 0 };
    const given = { name: "cam", stream, link, classNames: ["cat", "dog"], rateFps: 10 };
    return { camera: metrics.addCamera({ ...given, ...pipeline }), sink, stream, link };
  };
  /** A frame that is offered now and answered after so long. */
  const frame = async ({ stream, sink }: FakePipeline, us: number, ...classes: string[]) => {
    stream.offer(blankFrame(), clock.nowUs());
    await clock.advanceBy(us);
    sink.answer({ detections: classes.map(detection) });
  };
  const failure = ({ stream, sink }: FakePipeline) => {
    stream.offer(blankFrame(), clock.nowUs());
    sink.answer({ error: new AiwError("WORKER_REFUSED", "no") });
  };
  return { clock, metrics, add, frame, failure };
}

function detection(className: string): Detection {
  return { className, classId: 0, confidence: 0.9, box: { x: 0, y: 0, w: 1, h: 1 }, trackId: null };
}

/** Lines of Prometheus' text as a map of series to values, in the order in which they stand. */
export function seriesOf(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

export const opened = (camera: string): AgentEvent => ({
  name: "session.open",
  value: { camera, wallMs: 0, session: "s", startWallMs: 0 },
});

export const closed = (camera: string): AgentEvent => ({
  name: "session.close",
  value: {
    ...{ camera, wallMs: 0, session: "s", startWallMs: 0 },
    ...{ reason: "silence", results: 1, byClass: {} },
  },
});
