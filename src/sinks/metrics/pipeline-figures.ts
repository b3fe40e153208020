import type { Registry } from "prom-client";
import type { LinkState } from "../../client/reconnecting-client.js";
import type { DropReason, LedgerCounts } from "../../pipeline/ledger.js";
import type { CameraState } from "../../source/camera-state.js";
import type { CameraMetrics } from "./camera-metrics.js";
import { collectedCounter, collectedGauge, type Row, stateRows } from "./collected.js";

/** All of them, so that each has a series from the first scrape on. */
const DROP_REASONS = Object.keys({
  latest_wins: true,
  source_late: true,
  disconnected: true,
  interrupted: true,
} satisfies Record<DropReason, true>) as DropReason[];

const LINK_STATES = Object.keys({
  opening: true,
  linked: true,
  away: true,
  lost: true,
  closed: true,
} satisfies Record<LinkState, true>);

const CAMERA_STATES = Object.keys({
  connecting: true,
  live: true,
  stalled: true,
  blocked: true,
  lost: true,
  ended: true,
} satisfies Record<CameraState, true>);

export function isCameraState(state: string): state is CameraState {
  return CAMERA_STATES.includes(state);
}

/**
 * Counters and gauges of the pipelines, from their ledgers and links. All of one scrape are read in one turn of the
 * event loop, so that they add up: offered = results + errors + in flight + drops.
 * @param states of all cameras that have told one, also of those that were never opened
 */
export function registerPipelineFigures(
  registry: Registry,
  cameras: () => Iterable<CameraMetrics>,
  states: () => Iterable<readonly [camera: string, state: CameraState]>,
): void {
  const each = function* (rowsOf: (camera: CameraMetrics) => Iterable<Row>): Iterable<Row> {
    for (const camera of cameras()) yield* rowsOf(camera);
  };
  const counter = (name: string, help: string, valueOf: (camera: CameraMetrics) => number) =>
    collectedCounter(registry, {
      ...{ name, help, labels: ["camera"] },
      rows: () => each((camera) => [[valueOf(camera), camera.name]]),
    });
  const ledger = (name: string, help: string, valueOf: (counts: LedgerCounts) => number) =>
    counter(name, help, (camera) => valueOf(camera.counts()));
  const counterBy = (
    name: string,
    help: string,
    label: string,
    valuesOf: (camera: CameraMetrics) => Iterable<readonly [string, number]>,
  ) =>
    collectedCounter(registry, {
      ...{ name, help, labels: ["camera", label] },
      rows: () => each((camera) => [...valuesOf(camera)].map(([value, n]): Row => [n, camera.name, value])),
    });

  counter("ai_init_ok_total", "Inits that the worker accepted", ({ linkFigures }) => linkFigures.inits);
  counter(
    "ai_reconnects_total",
    "Times that the link to the worker was lost and came back",
    ({ linkFigures }) => linkFigures.reconnects,
  );
  ledger("ai_frames_offered_total", "Frames that were due, whatever became of them", (c) => c.offered);
  ledger("ai_frames_sent_total", "Frames whose first byte was written to the worker", (c) => c.sent);
  ledger("ai_results_total", "Frames with a result", (c) => c.results);
  ledger(
    "ai_drops_latestwins_total",
    "Frames that gave way to a newer one before the worker had taken them (also in ai_drops_total)",
    (c) => c.dropped.latest_wins ?? 0,
  );
  counterBy("ai_drops_total", "Offered frames without an outcome, by reason", "reason", (camera) => {
    const { dropped } = camera.counts();
    return DROP_REASONS.map((reason) => [reason, dropped[reason] ?? 0]);
  });
  counterBy("ai_errors_total", "Frames that failed, by error code", "code", (c) => c.errorsByCode);
  counterBy("ai_detections_total", "Detections, by class of the model", "class", (c) => c.detectionsByClass);
  collectedGauge(registry, {
    ...{ name: "ai_frame_inflight", labels: ["camera"] },
    help: "Frames that wait to be sent, or were sent and have no answer so far",
    rows: () => each((camera) => [[camera.counts().inFlight, camera.name]]),
  });
  collectedGauge(registry, {
    ...{ name: "ai_worker_link_state", labels: ["camera", "state"] },
    help: "1 for the state that the link to the worker is in",
    rows: () => each(({ linkFigures, name }) => stateRows(LINK_STATES, linkFigures.linkState, name)),
  });
  collectedGauge(registry, {
    ...{ name: "ai_camera_state", labels: ["camera", "state"] },
    help: "1 for the state that the camera is in; without series for what is no camera",
    rows: () => [...states()].flatMap(([camera, state]) => stateRows(CAMERA_STATES, state, camera)),
  });
}
