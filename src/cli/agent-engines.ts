import type { OpenEngine } from "../agent/agent.js";
import type { AIEngine, EngineModel, ModelSettings } from "../agent/engine.js";
import { SimEngine, SIMULATED_LINK } from "../agent/sim-engine.js";
import { seededPresences } from "../agent/sim-script.js";
import { readSimScript } from "../agent/sim-file.js";
import { tcpEngine } from "../agent/tcp-engine.js";
import type { Settings } from "../config/settings.js";
import { systemClock } from "../core/clock.js";
import type { CommandContext } from "./command-context.js";
import type { Machine } from "./machine.js";
import { chooseSending, OWN_WORKER, type Sending } from "./sending.js";
import { SERVE } from "./sources.js";
import { openWorkerSession } from "./worker-session.js";

/** Where the engines of all cameras come from. */
export interface EngineMaker {
  readonly model: EngineModel;
  readonly sending: Sending;
  open(camera: string): Promise<OpenEngine>;
  /**
   * Other thresholds, or another model where the worker is elsewhere, for all that are open and those to come.
   * @throws what the worker refuses; all stays as it was
   */
  setModel(settings: ModelSettings): Promise<void>;
  /** After the engines: the worker ends with it. */
  close(): Promise<void>;
}

/**
 * A session for each camera on one worker, named or started.
 * @throws as openWorkerSession
 */
export async function workerEngines(
  settings: Settings,
  context: CommandContext,
  machine: Machine,
): Promise<EngineMaker> {
  // Classes are filtered here: what else is seen is told, and recorded, too.
  const asked = { ...settings, classes: [] };
  const first = await openWorkerSession(asked, context, machine, context.interrupt, SERVE.workerWaitMs);
  let isFirstFree = true;
  const { conf, iou, require_provider: requireProvider } = settings;
  let wanted: ModelSettings = { model: first.modelPath, conf, iou };
  const open = new Set<AIEngine>();
  return {
    model: first.info,
    sending: first.sending,
    async open(camera) {
      const mine = isFirstFree ? first : await first.another(context.interrupt);
      isFirstFree = false;
      const { client, sink } = mine;
      const engine = tcpEngine(client, sink, { camera, requireProvider });
      open.add(engine);
      // The worker has it already, and learns whose session it is.
      const { modelId } = await engine.setModel(wanted);
      const close = async () => {
        open.delete(engine);
        // The first one holds the worker, and is there for the next camera.
        if (mine === first) isFirstFree = true;
        else await mine.close();
      };
      return { engine, link: client, modelId, close };
    },
    async setModel({ model, conf, iou }) {
      // Of a worker of our own the file was checked, and its folder given to the worker, at the start.
      const next = { model: settings.worker === undefined ? first.modelPath : model, conf, iou };
      for (const engine of open) await engine.setModel(next);
      wanted = next;
    },
    close: () => first.close(),
  };
}

/**
 * No worker: what is detected stands in a script, or follows from a seed.
 * @param script a file, or a seed
 * @throws USAGE
 */
export async function simulatedEngines(script: string): Promise<EngineMaker> {
  const presences = /^\d+$/.test(script) ? undefined : await readSimScript(script);
  let seed = Number(script);
  return {
    model: { modelId: "simulated", classNames: [] },
    sending: chooseSending("auto", OWN_WORKER),
    open() {
      // Each camera sees something else.
      const engine = new SimEngine(presences ?? seededPresences(seed++), systemClock);
      const close = () => {
        engine.close();
        return Promise.resolve();
      };
      return Promise.resolve({ engine, link: SIMULATED_LINK, modelId: "simulated", close });
    },
    setModel: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
