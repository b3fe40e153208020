import type { OpenEngine } from "../agent/agent.js";
import type { EngineModel, ModelSettings } from "../agent/engine.js";
import { SimEngine, SIMULATED_LINK } from "../agent/sim-engine.js";
import { SEEDED_CLASSES, seededPresences } from "../agent/sim-script.js";
import { readSimScript } from "../agent/sim-file.js";
import { clientIdOf, TcpEngine } from "../agent/tcp-engine.js";
import type { Settings } from "../config/settings.js";
import { systemClock } from "../core/clock.js";
import type { CommandContext } from "./command-context.js";
import type { Machine } from "./machine.js";
import { chooseSending, OWN_WORKER, type Sending } from "./sending.js";
import { SERVE } from "./sources.js";
import { openWorkerSession, type WorkerSession } from "./worker-session.js";

/** Where the engines of all cameras come from. */
export interface EngineMaker {
  /** As of now. */
  readonly model: EngineModel;
  readonly settings: ModelSettings;
  readonly sending: Sending;
  /** @throws what the worker refuses; nothing is left open then */
  open(camera: string): Promise<OpenEngine>;
  /**
   * Other thresholds, or another model where the worker is elsewhere, for all that are open and those to come.
   * @throws what the worker refuses; all is as it was then
   */
  setModel(settings: ModelSettings): Promise<void>;
  /** After the engines: the worker ends with it. */
  close(): Promise<void>;
}

/**
 * A session for each camera on one worker, named or started.
 * @param camera the first
 * @throws as openWorkerSession
 */
export async function workerEngines(
  settings: Settings,
  camera: string,
  context: CommandContext,
  machine: Machine,
): Promise<EngineMaker> {
  // Classes are filtered here: what else is seen is told, and recorded, too.
  const asked = { ...settings, classes: [] };
  const link = { clientId: clientIdOf(camera), waitMs: SERVE.workerWaitMs, isToldElsewhere: true };
  const first = await openWorkerSession(asked, context, machine, context.interrupt, link);
  return new WorkerEngines(first, camera, settings, context.interrupt);
}

class WorkerEngines implements EngineMaker {
  model: EngineModel;
  settings: ModelSettings;
  private isFirstFree = true;
  /** What sessions are opened with. */
  private readonly original: ModelSettings;
  private readonly engines = new Set<TcpEngine>();

  constructor(
    private readonly first: WorkerSession,
    /** Whose the first session is, as the worker knows. */
    private firstCamera: string,
    private readonly asked: Settings,
    private readonly interrupt: AbortSignal,
  ) {
    this.model = first.info;
    this.original = { model: first.modelPath, conf: asked.conf, iou: asked.iou };
    this.settings = this.original;
  }

  get sending(): Sending {
    return this.first.sending;
  }

  async open(camera: string): Promise<OpenEngine> {
    const { first, asked, settings, interrupt } = this;
    const isFirst = this.isFirstFree && first.client.lost === undefined;
    if (isFirst) this.isFirstFree = false;
    const mine = isFirst
      ? first
      : await first.another(interrupt, { ...settings, clientId: clientIdOf(camera) });
    const { client, sink } = mine;
    const requireProvider = asked.require_provider;
    const engine = new TcpEngine(client, sink, systemClock, { camera, requireProvider, stop: interrupt });
    const close = async () => {
      this.engines.delete(engine);
      engine.close();
      // The first one holds the worker, and is there for the next camera.
      if (isFirst) this.isFirstFree = true;
      else await mine.close();
    };
    try {
      if (!isFirst) this.model = mine.info;
      else if (this.firstCamera !== camera || settings !== this.original) {
        this.model = await engine.setModel(settings);
        this.firstCamera = camera;
      }
    } catch (error) {
      await close();
      throw error;
    }
    this.engines.add(engine);
    return { engine, link: client, close };
  }

  async setModel({ model, conf, iou }: ModelSettings): Promise<void> {
    // Of a worker of our own the file was checked, and its folder given to the worker, at the start.
    const next = { model: this.asked.worker === undefined ? this.first.modelPath : model, conf, iou };
    const engines = [...this.engines].filter(({ gone }) => gone === undefined);
    const settled = await Promise.allSettled(engines.map((engine) => engine.setModel(next)));
    const refused = settled.find((one) => one.status === "rejected");
    if (refused !== undefined) {
      const changed = engines.filter((_, n) => settled[n]?.status === "fulfilled");
      await Promise.all(
        // One that is lost meanwhile has the former ones when it is back.
        changed.map((engine) => engine.setModel(this.settings).catch(() => engine.takeBack())),
      );
      throw refused.reason;
    }
    const [found] = settled;
    if (found?.status === "fulfilled") this.model = found.value;
    this.settings = next;
  }

  close(): Promise<void> {
    return this.first.close();
  }
}

/**
 * No worker: what is detected stands in a script, or follows from a seed.
 * @param script a file, or a seed
 * @throws USAGE
 */
export async function simulatedEngines(script: string): Promise<EngineMaker> {
  const presences = /^\d+$/.test(script) ? undefined : await readSimScript(script);
  const classNames = [...new Set(presences?.map(({ className }) => className) ?? SEEDED_CLASSES)];
  let seed = Number(script);
  return {
    model: { modelId: "simulated", classNames },
    settings: { model: "" },
    sending: chooseSending("auto", OWN_WORKER),
    open() {
      // Each camera sees something else.
      const engine = new SimEngine(presences ?? seededPresences(seed++), systemClock);
      const close = () => {
        engine.close();
        return Promise.resolve();
      };
      return Promise.resolve({ engine, link: SIMULATED_LINK, close });
    },
    setModel: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
