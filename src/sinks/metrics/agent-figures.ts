import type { Registry } from "prom-client";
import type { WatchState } from "../../results/agent-event.js";
import type { EventSink } from "../event-sink.js";
import type { RecorderRuns } from "../recorder-hook.js";
import type { CameraMetrics } from "./camera-metrics.js";
import { collectedCounter, collectedGauge, type Row, stateRows } from "./collected.js";

const WATCH_STATES = Object.keys({
  idle: true,
  dwell: true,
  active: true,
  closing: true,
} satisfies Record<WatchState, true>);

/** Where events go: what its counts are asked of, under the name that it has as a label. */
export type CountedOutput = Pick<EventSink, "counts">;

interface AgentSources {
  readonly cameras: () => Iterable<CameraMetrics>;
  readonly outputs: () => Iterable<readonly [name: string, output: CountedOutput]>;
  /** Sessions that an agent had left open which was killed. */
  readonly recovered: () => number;
  /** undefined where there is no recorder hook. */
  readonly recorder: () => RecorderRuns | undefined;
}

/** What only `aiw agent` has: watches, sessions, and outputs of events. */
export function registerAgentFigures(
  registry: Registry,
  { cameras, outputs, recovered, recorder }: AgentSources,
): void {
  type Watched = NonNullable<CameraMetrics["watched"]>;
  const watched = (rowsOf: (watched: Watched, camera: CameraMetrics) => Row[]) => () =>
    [...cameras()].flatMap((camera) => (camera.watched === undefined ? [] : rowsOf(camera.watched, camera)));
  collectedGauge(registry, {
    ...{ name: "ai_watch_state", labels: ["camera", "state"] },
    help: "1 for the state that the watch over the camera is in",
    rows: watched(({ state }, { name }) => stateRows(WATCH_STATES, state, name)),
  });
  collectedCounter(registry, {
    ...{ name: "ai_sessions_opened_total", labels: ["camera"], help: "Sessions opened" },
    rows: watched(({ opened }, { name }) => [[opened, name]]),
  });
  collectedCounter(registry, {
    ...{ name: "ai_sessions_closed_total", labels: ["camera", "reason"], help: "Sessions closed, by reason" },
    rows: watched(({ closed }, { name }) => [...closed].map(([reason, n]): Row => [n, name, reason])),
  });
  collectedGauge(registry, {
    ...{ name: "ai_open_sessions", labels: ["camera"], help: "Sessions that are open now" },
    rows: watched(({ opened, closed }, { name }) => {
      const closedCount = [...closed.values()].reduce((sum, n) => sum + n, 0);
      return [[opened - closedCount, name]];
    }),
  });
  collectedCounter(registry, {
    ...{ name: "ai_session_records_lost_total", labels: ["camera"] },
    help: "Frames of sessions that could not be recorded",
    rows: watched((_, { name, recordsLost }) => [[recordsLost, name]]),
  });
  collectedCounter(registry, {
    name: "ai_sessions_recovered_total",
    help: "Sessions that were closed at the start, left open by an agent that was killed",
    rows: () => [[recovered()]],
  });
  collectedCounter(registry, {
    ...{ name: "ai_recorder_runs_total", labels: ["outcome"] },
    help: "Runs of the recorder hook, by outcome: ok, failed, timeout, or not_run",
    rows: () => Object.entries(recorder() ?? {}).map(([outcome, n]): Row => [n, outcome]),
  });
  const ofOutputs = (pick: "delivered" | "dropped" | "waiting") => () =>
    [...outputs()].map(([name, output]): Row => [output.counts()[pick], name]);
  collectedCounter(registry, {
    ...{ name: "ai_output_delivered_total", labels: ["output"], help: "Events that an output has taken" },
    rows: ofOutputs("delivered"),
  });
  collectedCounter(registry, {
    ...{ name: "ai_output_dropped_total", labels: ["output"] },
    help: "Events that an output has lost for good: its queue was full, or they were refused",
    rows: ofOutputs("dropped"),
  });
  collectedGauge(registry, {
    ...{ name: "ai_output_waiting", labels: ["output"], help: "Events that an output is still to deliver" },
    rows: ofOutputs("waiting"),
  });
}
