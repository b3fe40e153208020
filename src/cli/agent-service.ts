import { isDeepStrictEqual } from "node:util";
import { Agent, type OpenEngine } from "../agent/agent.js";
import { EventBus } from "../agent/event-bus.js";
import type { Lane } from "../agent/lane.js";
import type { SessionKeeper } from "../agent/ports.js";
import { type SettingName, type Settings, withChanges } from "../config/settings.js";
import { systemClock } from "../core/clock.js";
import { collectGarbage } from "../core/heap.js";
import type { Logger } from "../core/logger.js";
import { plural } from "../core/plural.js";
import type { EventSink } from "../sinks/event-sink.js";
import type { CameraMetrics } from "../sinks/metrics/camera-metrics.js";
import type { ClientMetrics } from "../sinks/metrics/client-metrics.js";
import { newSessionId } from "../sinks/sessions/session-id.js";
import { SessionStore } from "../sinks/sessions/store.js";
import { refuseMisnamed } from "../source/source-uri.js";
import { cameraPlan } from "./agent-cameras.js";
import { type NamedCamera, namedCameras, watchPlan } from "./agent-config.js";
import { type EngineMaker, simulatedEngines, workerEngines } from "./agent-engines.js";
import { logEvents } from "./agent-log.js";
import { checkAgentOutputs, openAgentOutputs } from "./agent-outputs.js";
import type { CommandContext } from "./command-context.js";
import { withModel } from "./default-model.js";
import { Machine } from "./machine.js";
import { openMetrics, type OpenMetrics } from "./metrics.js";
import { checkRecorder, openRecorder, type Recorder } from "./recorder.js";
import { tellRecovered } from "./recovered-sessions.js";
import { DEFAULT_SESSIONS_DIR } from "./sessions-place.js";
import { reportedClasses } from "./worker-session.js";

/** What can be changed while the agent runs; all else waits for its next start. */
const RELOADED: ReadonlySet<SettingName> = new Set<SettingName>([
  ...(["cameras", "camera", "source", "loop", "size"] as const),
  ...(["fps_idle", "fps_active", "dwell", "silence", "post_roll", "classes", "conf", "iou"] as const),
]);

/** What outputs and a recorder have to tell of what was recovered where the start fails after it, milliseconds. */
const UNDO_MS = 1_200;

interface Parts {
  readonly store: SessionStore;
  readonly outputs: readonly EventSink[];
  readonly metrics: OpenMetrics | undefined;
  readonly engines: EngineMaker;
  readonly recorder: Recorder;
  readonly machine: Machine;
}

/** @throws USAGE for a camera that can't be one, and where there is none */
function checkCameras(settings: Settings, isSimulated: boolean): NamedCamera[] {
  const cameras = namedCameras(settings, isSimulated);
  for (const { kind, uri } of cameras) if (kind !== "camera") refuseMisnamed(uri);
  return cameras;
}

/** The agent with all that its settings ask for: worker, session files, outputs, metrics, recorder. */
export class AgentService {
  private readonly bus: EventBus;
  private readonly agent: Agent;
  private reloading: Promise<void> = Promise.resolve();
  private readonly figures = new Map<Lane, CameraMetrics>();

  private constructor(
    private settings: Settings,
    private readonly simulate: string | undefined,
    private readonly context: CommandContext,
    private readonly log: Logger,
    private readonly parts: Parts,
  ) {
    this.bus = new EventBus((error, event) => log.error("a subscriber failed", { event, err: error }));
    logEvents(this.bus, log, context.debug);
    const { outputs, metrics, engines, recorder } = parts;
    for (const output of outputs) this.bus.on("*", (event) => output.write(event));
    if (metrics !== undefined) this.bus.on("*", (event) => metrics.metrics.onEvent(event));
    this.agent = new Agent({
      ports: { clock: systemClock, bus: this.bus, sessions: this.keeper(), recorder: recorder.hook },
      plan: this.planOf(settings),
      openEngine: (camera) => engines.open(camera),
      onLane: (lane, opened) => metrics && this.measure(lane, opened, metrics.metrics),
      onEnd: (lane, error) => {
        const { camera } = lane;
        if (error !== undefined) log.error("the watch over a camera ended", { camera, err: error });
        else this.figures.get(lane)?.rest("it has ended");
      },
      onLeft: (lane) => {
        this.figures.delete(lane);
        metrics?.metrics.removeCamera(lane.camera);
      },
    });
  }

  /**
   * Opens everything, and begins to watch.
   * @throws what of it can't be had; nothing is left behind then
   */
  static async open(
    settings: Settings,
    simulate: string | undefined,
    context: CommandContext,
    log: Logger,
  ): Promise<AgentService> {
    const cameras = checkCameras(settings, simulate !== undefined);
    checkAgentOutputs(settings);
    checkRecorder(settings);
    const undo: (() => Promise<unknown>)[] = [];
    try {
      const metrics = await openMetrics(settings, log);
      if (metrics !== undefined) undo.push(() => metrics.close());
      const onNote = (text: string) => log.warn(text);
      const machine = new Machine(context, context.interrupt, settings);
      const sources = cameras.map(({ uri }) => ({ kind: "source" as const, uri }));
      const engines =
        simulate === undefined
          ? await workerEngines(withModel(settings, sources), cameras[0]?.name ?? "", context, machine)
          : await simulatedEngines(simulate);
      undo.push(() => engines.close());
      context.progress.clear();
      // All that may be refused comes before the sessions: what is recovered of them is told of at this start alone.
      reportedClasses(settings, engines.model);
      const outputs = await openAgentOutputs(settings, context.env, log);
      undo.push(() => Promise.all(outputs.map((output) => output.close(AbortSignal.timeout(UNDO_MS)))));
      for (const output of outputs) metrics?.metrics.addOutput(output);
      const dir = settings.sessions_dir ?? DEFAULT_SESSIONS_DIR;
      const onLeftOut = (camera: string) => metrics?.metrics.recordsLost(camera);
      const store = await SessionStore.open(dir, { clock: systemClock, onNote, onLeftOut });
      undo.push(() => store.close(AbortSignal.timeout(0)));
      const { length: count } = store.recovered;
      if (count > 0) log.warn("sessions recovered that were left open", { count });
      metrics?.metrics.sessionsRecovered(count);
      const recorder = openRecorder(settings, store, context.env, log, metrics?.metrics);
      undo.push(() => recorder.close(AbortSignal.timeout(UNDO_MS)));
      const parts = { store, outputs, metrics, engines, recorder, machine };
      const service = new AgentService(settings, simulate, context, log, parts);
      collectGarbage();
      service.tellRecovered();
      await service.watch(settings);
      log.info("watching", { cameras: cameras.map(({ name }) => name).join(", ") });
      return service;
    } catch (error) {
      for (const one of undo.reverse()) await one();
      throw error;
    }
  }

  /** @throws as Agent.finished */
  finished(): Promise<void> {
    return this.agent.finished();
  }

  get lanes(): readonly Lane[] {
    return this.agent.lanes;
  }

  stop(): Promise<void> {
    return this.agent.stop();
  }

  /** Takes the configuration as it is now; one that is not valid changes nothing. */
  reload(load: () => Promise<Settings>): Promise<void> {
    this.reloading = this.reloading.then(async () => {
      try {
        await this.change(await load());
      } catch (error) {
        this.log.error("the configuration is not taken, the former one goes on", { err: error });
      }
    });
    return this.reloading;
  }

  /**
   * Ends what is still open.
   * @param giveUp ends the waiting
   * @returns false where a disk hangs, for which process.exit() would wait for ever
   */
  async close(giveUp: AbortSignal): Promise<boolean> {
    const { store, outputs, metrics, engines, recorder } = this.parts;
    await this.agent.stop();
    await this.reloading;
    const written = store.close(giveUp);
    await Promise.all([
      ...outputs.map((output) => this.closeOutput(output, giveUp)),
      recorder.close(giveUp),
      metrics?.close(),
      engines.close(),
    ]);
    return written;
  }

  private async closeOutput(output: EventSink, giveUp: AbortSignal): Promise<void> {
    const { dropped: before } = output.counts();
    await output.close(giveUp);
    const { dropped, waiting } = output.counts();
    const lost = dropped - before + waiting;
    if (lost > 0)
      this.log.warn(`${output.name}: ${plural(lost, "event")} could not be delivered before the end`);
  }

  /** @throws what is wrong with them, or what the worker refuses; nothing has changed then */
  private async change(next: Settings): Promise<void> {
    const { settings, log } = this;
    const { engines } = this.parts;
    const names = new Set([...Object.keys(settings), ...Object.keys(next)] as SettingName[]);
    const changed = [...names].filter((name) => !isDeepStrictEqual(settings[name], next[name]));
    const { worker } = settings;
    const isElsewhere = worker !== undefined && isDeepStrictEqual(worker, next.worker);
    const later = changed.filter((name) => !RELOADED.has(name) && !(name === "model" && isElsewhere));
    // Also of what waits for the next start, which would end with it.
    checkCameras(next, this.simulate !== undefined);
    checkAgentOutputs(next);
    checkRecorder(next);
    // What is not taken now is still to be told of at the next reload.
    const kept = Object.fromEntries(later.map((name) => [name, settings[name]]));
    const merged = withChanges(next, kept);
    const former = engines.settings;
    const isAnother = changed.some(
      (name) => name === "conf" || name === "iou" || (name === "model" && isElsewhere),
    );
    try {
      const { conf, iou } = merged;
      if (isAnother) await engines.setModel({ model: merged.model ?? former.model, conf, iou });
      await this.watch(merged);
    } catch (error) {
      if (engines.settings !== former) await engines.setModel(former).catch(() => {});
      throw error;
    }
    if (this.context.interrupt.aborted) return;
    this.settings = merged;
    for (const figures of this.figures.values()) figures.setClasses(engines.model.classNames);
    const [before, now] = [this.cameraNames(settings), this.cameraNames(merged)];
    const removed = [...before].filter((name) => !now.has(name));
    for (const name of removed) this.forget(name);
    const taken = changed.filter((name) => !later.includes(name));
    log.info("configuration read", {
      changed: taken.join(", ") || "nothing",
      cameras_added: [...now].filter((name) => !before.has(name)).join(", ") || undefined,
      cameras_removed: removed.join(", ") || undefined,
    });
    if (later.length > 0) log.warn("takes effect at the next start", { settings: later.join(", ") });
  }

  private tellRecovered(): void {
    const { store, recorder } = this.parts;
    const ports = { clock: systemClock, bus: this.bus, recorder: recorder.hook };
    const watched = this.cameraNames(this.settings);
    tellRecovered(store.recovered, ports, (camera) => watched.has(camera) || this.forget(camera));
  }

  private watch(settings: Settings): Promise<void> {
    const { engines, machine } = this.parts;
    const plan = this.planOf(settings);
    const cameras = this.camerasOf(settings);
    const plans = cameras.map((one) => cameraPlan(one, settings, engines.sending, machine, this.context));
    return this.agent.watch(plans, plan);
  }

  /** Takes back what outputs keep elsewhere of a camera that is not watched any more. */
  private forget(camera: string): void {
    for (const output of this.parts.outputs) output.forgetCamera?.(camera);
  }

  private cameraNames(settings: Settings): Set<string> {
    return new Set(this.camerasOf(settings).map(({ name }) => name));
  }

  private camerasOf(settings: Settings): NamedCamera[] {
    return namedCameras(settings, this.simulate !== undefined);
  }

  /** @throws CLASS_UNKNOWN */
  private planOf(settings: Settings) {
    const { model } = this.parts.engines;
    return watchPlan(settings, reportedClasses(settings, model), model.modelId);
  }

  private measure(lane: Lane, { link }: OpenEngine, metrics: ClientMetrics): void {
    const { camera: name, stream, watch } = lane;
    const { classNames } = this.parts.engines.model;
    const rateFps = () => watch.fps;
    this.figures.set(lane, metrics.addCamera({ name, stream, link, classNames, rateFps, isWatched: true }));
  }

  private keeper(): SessionKeeper {
    const { store } = this.parts;
    return {
      begin(start) {
        const sessionId = newSessionId(start.startWallMs);
        const record = store.begin({ ...start, sessionId });
        return {
          id: sessionId,
          append: (outcome) => record.append(outcome),
          poster: (outcome, confidence) => record.poster(outcome, confidence),
          close: (end) => void record.close(end),
        };
      },
    };
  }
}
