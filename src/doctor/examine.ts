import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type SourceName, sourceNames } from "../config/source-names.js";
import { systemClock } from "../core/clock.js";
import { isShape } from "../core/shapes.js";
import { streamName } from "../source/stream-name.js";
import { isSynthetic } from "../source/synthetic-uri.js";
import { readWorkerAccess } from "../config/worker-access.js";
import { findOnPath } from "../worker-process/find-on-path.js";
import { checkFresh } from "../optimize/provenance.js";
import { checkModelFile } from "../worker-process/model-file.js";
import { findManagedEnv } from "../worker-process/python-env.js";
import { type CommandResult, interrupted, runCommand } from "../worker-process/run-command.js";
import type { Variant } from "../worker-process/variants.js";
import { checkCacheFolder } from "./cache-folder.js";
import { checkCameras } from "./cameras.js";
import { type Check, verdicts } from "./check.js";
import { checkClock } from "./clock.js";
import type { Configuration } from "./configuration.js";
import { checkConfiguredWorker } from "./configured-worker.js";
import { checkFfmpeg, type FoundFfmpeg } from "./ffmpeg.js";
import { limited } from "./limited.js";
import { checkMachine } from "./machine.js";
import {
  checkModel,
  locateShape,
  modelNotFound,
  modelNotTried,
  needsModel,
  noModel,
  staleModel,
} from "./model.js";
import { checkNode } from "./node-version.js";
import { checkOpenvino } from "./openvino.js";
import { checkPackages, type FoundPackages } from "./packages.js";
import { checkPort } from "./port.js";
import { checkProviders } from "./providers.js";
import { checkPython, type FoundPython, type Interpreter } from "./python.js";
import { checkSource } from "./source.js";
import { type StartedWorker, startCheckedWorker } from "./worker-start.js";

export interface ExamineOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly workerDir: string;
  /** What the environment is made from that the settings ask for, and what serves as well. */
  readonly lockFile: string;
  readonly servedBy: readonly string[];
  readonly variant: Variant;
  readonly cacheDir: string;
  /** What is loaded where no model is configured. */
  readonly embeddedModel: string;
  readonly configuration: Pick<Configuration, "checks" | "settings">;
  /** Told what is being looked at. */
  readonly onStep: (text: string) => void;
  /** Told what the worker says. */
  readonly onLog: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface Examination {
  readonly checks: readonly Check[];
  /** For a bug report: "name==version" of each Python package. */
  readonly installed: readonly string[];
  /** What the worker said while it started. */
  readonly workerLog: readonly string[];
  readonly ffmpegVersion: string;
}

/** How long one group of checks may take; most have shorter limits of their own inside. */
const LIMIT_MS = 30_000;
/** Of those that start a Python or load a model. */
const LONG_LIMIT_MS = 120_000;
const COMMAND_TIMEOUT_MS = 10_000;

/**
 * Looks at everything that aiw uses of this machine, in the order in which one thing needs the other.
 * Makes nothing; what it starts has ended when it resolves or rejects.
 * @throws INTERRUPTED
 */
export async function examine(options: ExamineOptions): Promise<Examination> {
  const { env, platform } = options;
  const { settings, checks } = options.configuration;
  const group = new Group(options);
  group.checks.push(checkNode(process.version), ...checks);
  await group.add("cache", "cache folder", () =>
    checkCacheFolder({ cacheDir: options.cacheDir, isMade: findManagedEnv(options) !== undefined }),
  );
  const { interpreter, check: python } = await group.found<FoundPython>(
    ["python", "Python", LONG_LIMIT_MS],
    (signal) => checkPython({ ...options, signal }),
    (check) => ({ check }),
  );
  const { installed } = await group.found<FoundPackages>(
    ["packages", "Python packages", LONG_LIMIT_MS],
    (signal) => checkPackages({ ...options, interpreter, canBeMade: python.status === "ok", signal }),
    (check) => ({ check, installed: [] }),
  );
  const workerLog = await workerAndModel(group, options, interpreter);
  await group.add(
    "providers",
    "providers",
    (signal) => checkProviders({ ...options, interpreter, device: settings.device, signal }),
    LONG_LIMIT_MS,
  );
  if (settings.engine === "openvino") {
    const look = (signal: AbortSignal) => checkOpenvino({ ...options, interpreter, signal });
    await group.add("engine:openvino", "engine OpenVINO", look, LONG_LIMIT_MS);
  }
  const ffmpeg = await group.found<FoundFfmpeg>(
    ["ffmpeg", "ffmpeg", LIMIT_MS * 2],
    (signal) => checkFfmpeg({ ...options, interpreter, signal }),
    (check) => ({ check, versionText: "" }),
  );
  const run = runner(env);
  await group.add("cameras", "cameras", (signal) => {
    const v4l2Ctl = findOnPath("v4l2-ctl", env);
    return checkCameras({ platform, ffmpeg: ffmpeg.path, v4l2Ctl, run: run(signal) });
  });
  for (const name of sourceNames(settings)) {
    await group.add(`source:${streamName(name.uri)}`, `configured ${name.kind}`, (signal) =>
      checkSource(name, { settings, ffmpeg: ffmpeg.path, signal }),
    );
  }
  await group.add("machine", "machine", (signal) => {
    const output = async (command: string, ...args: string[]) => (await run(signal)(command, args)).stdout;
    return checkMachine({ platform, readText, output });
  });
  await group.add("port", "port of aiw worker", () =>
    checkPort({ bindPort: env.BIND_PORT, worker: settings.worker }),
  );
  await group.add("clock", "clock", (signal) => checkClock(systemClock, signal));
  if (options.signal.aborted) throw interrupted(options.signal);
  return { checks: group.checks, installed, workerLog, ffmpegVersion: ffmpeg.versionText };
}

/**
 * Starts a worker of our own, and loads the model: in it, or in the one that the settings name.
 * @returns what the worker said while it started
 */
async function workerAndModel(
  group: Group,
  options: ExamineOptions,
  interpreter: Interpreter | undefined,
): Promise<readonly string[]> {
  const { settings } = options.configuration;
  const { model, worker: configured } = settings;
  const readAccess = () => readWorkerAccess(settings, options.env);
  const found =
    model !== undefined && isShape(model)
      ? await locateShape(model, options.cacheDir, configured?.host)
      : await locate(model, configured !== undefined, options.embeddedModel, sourceNames(settings));
  const modelDir = configured === undefined && found.path !== undefined ? dirname(found.path) : undefined;
  const { threads, engine, device } = settings;
  const { worker, log } = await group.found<StartedWorker>(
    ["worker", "worker start", LONG_LIMIT_MS],
    (signal) => startCheckedWorker({ ...options, interpreter, modelDir, threads, engine, device, signal }),
    (check) => ({ check, log: [] }),
  );
  try {
    const title = "configured worker";
    const reached =
      configured === undefined ||
      (await group.add("configured-worker", title, (signal) =>
        checkConfiguredWorker(configured, readAccess, signal),
      ));
    const isThere = configured === undefined ? worker !== undefined : reached;
    const { path: modelPath, check } = found;
    if (check !== undefined) group.checks.push(check);
    if (modelPath === undefined) return log;
    if (!isThere) group.checks.push(modelNotTried());
    else {
      const load = async (signal: AbortSignal) => {
        const endpoint = configured === undefined ? worker : { ...configured, ...(await readAccess()) };
        return endpoint === undefined
          ? modelNotTried()
          : checkModel({ endpoint, modelPath, settings, signal });
      };
      await group.add("model", "model", load, LONG_LIMIT_MS);
    }
    return log;
  } finally {
    await worker?.stop();
  }
}

/** The model as the worker that loads it sees it, or the check that says why there is none. */
async function locate(
  model: string | undefined,
  isElsewhere: boolean,
  embedded: string,
  sources: readonly SourceName[],
): Promise<{ path?: string; check?: Check }> {
  if (isElsewhere) return model === undefined ? { check: noModel() } : { path: model };
  const other = sources.find(({ kind, uri }) => kind === "camera" || !isSynthetic(uri));
  if (model === undefined && other !== undefined) return { check: needsModel(other) };
  try {
    const doubt = await checkFresh(model ?? embedded);
    const path = await checkModelFile(model ?? embedded);
    return doubt === undefined ? { path } : { path, check: staleModel(doubt) };
  } catch (error) {
    return { check: modelNotFound(error) };
  }
}

/** The checks so far; each is run within its time, and whatever it throws is a failure of its own. */
class Group {
  readonly checks: Check[] = [];

  constructor(private readonly options: ExamineOptions) {}

  /** @returns whether none of what was added is a failure */
  async add(
    id: string,
    title: string,
    look: (signal: AbortSignal) => Promise<Check | readonly Check[]>,
    limitMs = LIMIT_MS,
  ): Promise<boolean> {
    const found = [await this.attempt([id, title, limitMs], look, (check) => check)].flat();
    const added = found.map((check) => this.ofOwnWorker(check));
    this.checks.push(...added);
    return added.every(({ status }) => status !== "failure");
  }

  /** A check that finds what others need. */
  async found<T extends { readonly check: Check }>(
    what: readonly [id: string, title: string, limitMs: number],
    look: (signal: AbortSignal) => Promise<T>,
    otherwise: (check: Check) => T,
  ): Promise<T> {
    const found = await this.attempt(what, look, otherwise);
    this.checks.push(this.ofOwnWorker(found.check));
    return found;
  }

  private async attempt<T>(
    [id, title, limitMs]: readonly [id: string, title: string, limitMs: number],
    look: (signal: AbortSignal) => Promise<T>,
    otherwise: (check: Check) => T,
  ): Promise<T> {
    const { signal, onStep } = this.options;
    onStep(`checking: ${title}`);
    try {
      return await limited(look, limitMs, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      return otherwise(verdicts(id, title).failed(error));
    }
  }

  /** Nobody needs a Python here while a worker that runs elsewhere is configured. */
  private ofOwnWorker(check: Check): Check {
    if (this.options.configuration.settings.worker === undefined || check.status !== "failure") return check;
    if (!/^(python|packages|worker|providers?|engine)(:|$)/.test(check.id)) return check;
    return { ...check, status: "warning", detail: `${check.detail} (not needed with the configured worker)` };
  }
}

const runner =
  (env: ExamineOptions["env"]) =>
  (signal: AbortSignal) =>
  (command: string, args: readonly string[]): Promise<CommandResult> =>
    runCommand(command, args, { env, signal, timeoutMs: COMMAND_TIMEOUT_MS });

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}
