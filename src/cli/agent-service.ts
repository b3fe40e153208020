import { isDeepStrictEqual } from "node:util";
import { Agent, type OpenEngine } from "../agent/agent.js";
import { EventBus } from "../agent/event-bus.js";
import type { Lane } from "../agent/lane.js";
import type { SessionKeeper } from "../agent/ports.js";
import type { SettingName, Settings } from "../config/settings.js";
import { systemClock } from "../core/clock.js";
import { collectGarbage } from "../core/heap.js";
import type { Logger } from "../core/logger.js";
import type { EventSink } from "../sinks/event-sink.js";
import type { ClientMetrics } from "../sinks/metrics/client-metrics.js";
import { newSessionId } from "../sinks/sessions/session-id.js";
import { SessionStore } from "../sinks/sessions/store.js";
import { cameraPlan } from "./agent-cameras.js";
import { namedCameras, watchPlan } from "./agent-config.js";
import { type EngineMaker, simulatedEngines, workerEngines } from "./agent-engines.js";
import { logEvents } from "./agent-log.js";
import { checkAgentOutputs, openAgentOutputs } from "./agent-outputs.js";
import type { CommandContext } from "./command-context.js";
import { withModel } from "./default-model.js";
import { Machine } from "./machine.js";
import { openMetrics, type OpenMetrics } from "./metrics.js";
import { openRecorder, type Recorder } from "./recorder.js";
import { DEFAULT_SESSIONS_DIR } from "./sessions-place.js";
import { reportedClasses } from "./worker-session.js";

/** What can be changed while the agent runs; all else waits for its next start. */
const RELOADED: ReadonlySet<SettingName> = new Set<SettingName>([
  ...(["cameras", "camera", "source", "loop", "size", "pixel_format"] as const),
  ...(["fps_idle", "fps_active", "dwell", "silence", "post_roll", "classes", "conf", "iou"] as const),
]);

interface Parts {
  readonly store: SessionStore;
  readonly outputs: readonly EventSink[];
  readonly metrics: OpenMetrics | undefined;
  readonly engines: EngineMaker;
  readonly recorder: Recorder;
  readonly machine: Machine;
}

/** The agent with all that its settings ask for: worker, session files, outputs, metrics, recorder. */
export class AgentService {
  private readonly bus: EventBus;
  private readonly agent: Agent;
  private reloading: Promise<void> = Promise.resolve();

  private constructor(
    private settings: Settings,
    private readonly simulate: string | undefined,
    private readonly context: CommandContext,
    private readonly log: Logger,
    private readonly parts: Parts,
  ) {
    this.bus = new EventBus((error, event) => log.error("a subscriber failed", { event, err: error }));
    logEvents(this.bus, log);
    const { outputs, metrics, engines, recorder } = parts;
    for (const output of outputs) this.bus.on("*", (event) => output.write(event));
    if (metrics !== undefined) this.bus.on("*", (event) => metrics.metrics.onEvent(event));
    this.agent = new Agent({
      ports: { clock: systemClock, bus: this.bus, sessions: this.keeper(), recorder: recorder.hook },
      plan: this.planOf(settings),
      openEngine: (camera) => engines.open(camera),
      onLane: (lane, opened) => metrics && this.measure(lane, opened, metrics.metrics),
      onEnd: ({ camera }, error) => {
        if (error !== undefined) log.error("the watch over a camera ended", { camera, err: error });
        metrics?.metrics.removeCamera(camera);
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
    const cameras = namedCameras(settings, simulate !== undefined);
    checkAgentOutputs(settings);
    const undo: (() => Promise<unknown>)[] = [];
    try {
      const metrics = await openMetrics(settings, log);
      if (metrics !== undefined) undo.push(() => metrics.close());
      const onNote = (text: string) => log.warn(text);
      const dir = settings.sessions_dir ?? DEFAULT_SESSIONS_DIR;
      const onLeftOut = (camera: string) => metrics?.metrics.recordsLost(camera);
      const store = await SessionStore.open(dir, { clock: systemClock, onNote, onLeftOut });
      undo.push(() => store.close(AbortSignal.timeout(0)));
      if (store.recovered > 0) log.warn("sessions recovered that were left open", { count: store.recovered });
      metrics?.metrics.sessionsRecovered(store.recovered);
      const machine = new Machine(context, context.interrupt, settings);
      const sources = cameras.map(({ uri }) => ({ kind: "source" as const, uri }));
      const engines =
        simulate === undefined
          ? await workerEngines(withModel(settings, sources), context, machine)
          : await simulatedEngines(simulate);
      undo.push(() => engines.close());
      context.progress.clear();
      // Before an output is opened: an unknown class is a mistake of the configuration.
      const recorder = openRecorder(settings, store, context.env, log, metrics?.metrics);
      undo.push(() => recorder.close(AbortSignal.timeout(0)));
      const outputs = await openAgentOutputs(settings, context.env, log);
      undo.push(() => Promise.all(outputs.map((output) => output.close(AbortSignal.timeout(0)))));
      for (const output of outputs) metrics?.metrics.addOutput(output);
      const parts = { store, outputs, metrics, engines, recorder, machine };
      const service = new AgentService(settings, simulate, context, log, parts);
      collectGarbage();
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
    const written = store.close(giveUp);
    await Promise.all([
      ...outputs.map((output) => output.close(giveUp)),
      recorder.close(giveUp),
      metrics?.close(),
      engines.close(),
    ]);
    return written;
  }

  private async change(next: Settings): Promise<void> {
    const { settings, log } = this;
    const names = new Set([...Object.keys(settings), ...Object.keys(next)] as SettingName[]);
    const changed = [...names].filter((name) => !isDeepStrictEqual(settings[name], next[name]));
    const { worker, model } = settings;
    const isElsewhere = worker !== undefined && isDeepStrictEqual(worker, next.worker);
    const later = changed.filter((name) => !RELOADED.has(name) && !(name === "model" && isElsewhere));
    // Refused before anything is changed.
    this.planOf(next);
    namedCameras(next, this.simulate !== undefined);
    const { conf, iou } = next;
    if (changed.some((name) => name === "conf" || name === "iou" || (name === "model" && isElsewhere))) {
      await this.parts.engines.setModel({ model: next.model ?? model ?? "", conf, iou });
    }
    // What is not taken now is still to be told of at the next reload.
    const kept = Object.fromEntries(later.map((name) => [name, settings[name]]));
    const merged = Object.fromEntries(
      Object.entries({ ...next, ...kept }).filter(([, value]) => value !== undefined),
    ) as Settings;
    await this.watch(merged);
    this.settings = merged;
    const isSimulated = this.simulate !== undefined;
    const watched = new Set(namedCameras(merged, isSimulated).map(({ name }) => name));
    const left = namedCameras(settings, isSimulated).filter(({ name }) => !watched.has(name));
    for (const { name } of left) for (const output of this.parts.outputs) output.forgetCamera?.(name);
    const taken = changed.filter((name) => !later.includes(name));
    log.info("configuration read", { changed: taken.join(", ") || "nothing" });
    if (later.length > 0) log.warn("takes effect at the next start", { settings: later.join(", ") });
  }

  private watch(settings: Settings): Promise<void> {
    const { engines, machine } = this.parts;
    const cameras = namedCameras(settings, this.simulate !== undefined);
    const plans = cameras.map((one) => cameraPlan(one, settings, engines.sending, machine, this.context));
    return this.agent.watch(plans, this.planOf(settings));
  }

  /** @throws CLASS_UNKNOWN */
  private planOf(settings: Settings) {
    const { classes } = settings;
    // A simulation knows whatever classes its script names.
    const named = this.simulate === undefined ? reportedClasses(settings, this.parts.engines.model) : classes;
    return watchPlan(settings, named);
  }

  private measure({ camera, stream, watch }: Lane, { link }: OpenEngine, metrics: ClientMetrics): void {
    const { classNames } = this.parts.engines.model;
    const figures = metrics.addCamera({
      name: camera,
      stream,
      link,
      classNames,
      rateFps: watch.fps,
      isWatched: true,
    });
    // What is lately depends on it.
    const off = this.bus.on("fsm.transition", ({ value }) => {
      if (!this.agent.lanes.some((lane) => lane.watch === watch)) off();
      else if (value.camera === camera) figures.setRate(watch.fps);
    });
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
