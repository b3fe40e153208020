import { Histogram, Registry } from "prom-client";
import type { Clock } from "../../core/clock.js";
import { maskSecrets } from "../../core/mask.js";
import { printable } from "../../core/printable.js";
import type { AgentEvent } from "../../results/agent-event.js";
import { STAGES } from "../../results/stages.js";
import type { CameraState } from "../../source/camera-state.js";
import type { EventSink } from "../event-sink.js";
import type { RecorderRuns } from "../recorder-hook.js";
import { type CountedOutput, registerAgentFigures } from "./agent-figures.js";
import { LATENCY_BUCKETS_MS, STAGE_BUCKETS_MS } from "./buckets.js";
import { CameraMetrics, type CameraPipeline } from "./camera-metrics.js";
import { isCameraState, registerPipelineFigures } from "./pipeline-figures.js";
import { registerProcessFigures } from "./process-figures.js";
import { cameraHealth, type Health, healthOfAll } from "./readiness.js";

/**
 * The figures of a command that streams frames, for Prometheus: of each camera, which may come and go, and of the
 * process. The series are bounded by the cameras that there are, the model's classes, and our own enumerations.
 */
export class ClientMetrics {
  private readonly registry = new Registry();
  private readonly cameras = new Map<string, CameraMetrics>();
  private readonly outputs = new Map<string, CountedOutput>();
  /** By camera, also of one whose pipeline is not there so far: it is told while the camera is opened. */
  private readonly states = new Map<string, CameraState>();
  private recovered = 0;
  private recorder: () => RecorderRuns | undefined = () => undefined;
  private readonly latency: Histogram<"camera">;
  private readonly stageLatency: Histogram<"camera" | "stage">;

  constructor(private readonly clock: Clock) {
    const { registry } = this;
    this.latency = new Histogram({
      name: "ai_result_latency_ms",
      help: "From a frame's due time (a live one's arrival) to its result, milliseconds: the total of aiw bench",
      labelNames: ["camera"],
      buckets: [...LATENCY_BUCKETS_MS],
      registers: [registry],
    });
    this.stageLatency = new Histogram({
      name: "ai_stage_latency_ms",
      help: "Stages of that, which add up to it, milliseconds",
      labelNames: ["camera", "stage"],
      buckets: [...STAGE_BUCKETS_MS],
      registers: [registry],
    });
    const cameras = () => this.cameras.values();
    registerPipelineFigures(registry, cameras, () => this.states);
    const [outputs, recovered, recorder] = [() => this.outputs, () => this.recovered, () => this.recorder()];
    registerAgentFigures(registry, { cameras, outputs, recovered, recorder });
    const ofCameras = () => [...cameras()].map((one) => [one.name, this.healthOf(one)] as const);
    registerProcessFigures(registry, () => this.health(), ofCameras);
  }

  /**
   * Counts the frames of a pipeline from now on.
   * @returns its figures; their name is that of the pipeline, or with a number behind it where that is taken
   */
  addCamera(pipeline: CameraPipeline): CameraMetrics {
    const name = freeName(labelOf(pipeline.name), this.cameras);
    const { latency, stageLatency, clock } = this;
    const camera = new CameraMetrics(name, pipeline, latency, stageLatency, clock.nowUs());
    this.cameras.set(name, camera);
    return camera;
  }

  /** Takes its series with it, once it has told its last; its counters begin anew should it come back. */
  removeCamera(name: string): void {
    const camera = labelOf(name);
    this.states.delete(camera);
    if (!this.cameras.has(camera)) return;
    this.cameras.get(camera)?.stop();
    this.cameras.delete(camera);
    this.latency.remove({ camera });
    for (const stage of STAGES) this.stageLatency.remove({ camera, stage });
  }

  cameraState(name: string, state: CameraState): void {
    this.states.set(labelOf(name), state);
  }

  /** Of a sink of events what it counts is asked at each scrape. @returns what takes its series away again */
  addOutput(sink: Pick<EventSink, "name" | "counts">): () => void {
    const name = freeName(labelOf(sink.name), this.outputs);
    this.outputs.set(name, sink);
    return () => this.outputs.delete(name);
  }

  /** The agent has closed so many sessions that one before it had left open. */
  sessionsRecovered(count: number): void {
    this.recovered += count;
  }

  /** What the recorder hook counts is asked at each scrape. */
  countRecorder(runs: () => RecorderRuns): void {
    this.recorder = runs;
  }

  /** Frames of a session that could not be recorded. */
  recordsLost(camera: string, count = 1): void {
    const figures = this.cameras.get(labelOf(camera));
    if (figures !== undefined) figures.recordsLost += count;
  }

  /** Takes from the agent's bus what is to be counted of it; of a camera that is not there nothing. */
  onEvent({ name, value }: AgentEvent): void {
    switch (name) {
      case "camera.state":
        if (isCameraState(value.state)) this.cameraState(value.camera, value.state);
        return;
      case "session.open":
        return this.cameras.get(labelOf(value.camera))?.sessionOpened();
      case "session.close":
        return this.cameras.get(labelOf(value.camera))?.sessionClosed(value.reason);
      case "fsm.transition":
        return this.cameras.get(labelOf(value.camera))?.setWatch(value.to);
      default:
    }
  }

  health(): Health {
    const facts = [...this.cameras.values()].map((camera) => camera.facts(this.states.get(camera.name)));
    return healthOfAll(facts, this.clock.nowUs());
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** All of it, in Prometheus' text format. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  /** What is exported: each metric's name, and the names of its labels. */
  catalogue(): { readonly name: string; readonly help: string; readonly labels: readonly string[] }[] {
    // prom-client has them, and does not say so in its types.
    const metrics = this.registry.getMetricsAsArray() as unknown as CatalogueEntry[];
    return metrics.map(({ name, help, labelNames }) => ({ name, help, labels: labelNames }));
  }

  private healthOf(camera: CameraMetrics): Health {
    return cameraHealth(camera.facts(this.states.get(camera.name)), this.clock.nowUs());
  }
}

interface CatalogueEntry {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
}

/** A label that shows no secret, and that a terminal may show. */
function labelOf(name: string): string {
  return printable(maskSecrets(name));
}

function freeName(name: string, taken: ReadonlyMap<string, unknown>): string {
  if (!taken.has(name)) return name;
  for (let n = 2; ; n++) if (!taken.has(`${name}#${n}`)) return `${name}#${n}`;
}
