import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheDir } from "../worker-process/cache-dir.js";
import { findFfmpeg } from "../worker-process/ffmpeg-binary.js";
import {
  ensurePython,
  findManagedEnv,
  type ManagedEnv,
  type PythonEnvironment,
} from "../worker-process/python-env.js";
import {
  type EngineWish,
  locksOf,
  refuseWithoutWheels,
  type Variant,
  variantError,
  variantFor,
  VARIANTS,
} from "../worker-process/variants.js";
import type { CommandContext } from "./command-context.js";

const WORKER_DIR = fileURLToPath(new URL("../../worker", import.meta.url));

/** What chooses the environment, also for commands that run no frames: it is there, or will be needed. */
export const ENVIRONMENT_SETTINGS = ["engine", "device"] as const;

/** What a command uses of this machine beside Node; each thing is found or made when first asked for. */
export class Machine {
  readonly workerDir = WORKER_DIR;
  readonly exportLockFile = join(WORKER_DIR, "requirements-export.lock");
  readonly cacheDir: string;
  /** What the settings ask for. */
  readonly variant: Variant;
  private readonly environments = new Map<Variant, Promise<PythonEnvironment>>();

  /**
   * @param signal stops the making of an environment
   * @param wish the command's settings
   */
  constructor(
    private readonly context: CommandContext,
    private readonly signal: AbortSignal,
    wish: EngineWish,
  ) {
    this.cacheDir = cacheDir(context.env, process.platform, homedir());
    this.variant = variantFor(wish);
  }

  /**
   * The Python environment of the worker, made when missing.
   * @param options.variant another than the settings ask for
   * @param options.repair made also when it is damaged
   * @throws ENGINE_MISSING where there is none of this variant for this platform, and as ensurePython
   */
  python({ variant = this.variant, repair = false }: PythonWish = {}): Promise<PythonEnvironment> {
    const before = this.environments.get(variant);
    if (before !== undefined) return before;
    const environment = this.ensure(variant, repair);
    this.environments.set(variant, environment);
    return environment;
  }

  private async ensure(variant: Variant, repair: boolean): Promise<PythonEnvironment> {
    const { env, progress } = this.context;
    // Whoever brings an interpreter may have built for it what others can't get.
    if (!env.AIW_PYTHON) refuseWithoutWheels(variant, process.platform, process.arch);
    try {
      return await ensurePython({
        env,
        ...locksOf(WORKER_DIR, variant),
        cacheDir: this.cacheDir,
        onStep: (text) => progress.step(text),
        signal: this.signal,
        repairWith: repair ? WORKER_DIR : undefined,
      });
    } catch (error) {
      throw variantError(error, variant);
    }
  }

  /**
   * ffmpeg: AIW_FFMPEG, the system's, else the one in the Python environment.
   * @param mayMakeEnvironment false where nothing else of this command needs Python
   */
  async ffmpeg(mayMakeEnvironment: boolean): Promise<string> {
    const { env } = this.context;
    try {
      return await findFfmpeg({ env, pythonEnvDir: this.anyManagedEnv()?.dir });
    } catch (error) {
      if (!mayMakeEnvironment || env.AIW_FFMPEG) throw error;
    }
    const { python, dir } = await this.python();
    return findFfmpeg({ env, python, pythonEnvDir: dir });
  }

  /** Every variant has ffmpeg; that of the settings comes first. */
  private anyManagedEnv(): ManagedEnv | undefined {
    for (const variant of [this.variant, ...VARIANTS]) {
      const made = findManagedEnv({ ...locksOf(WORKER_DIR, variant), cacheDir: this.cacheDir });
      if (made !== undefined) return made;
    }
    return undefined;
  }
}

interface PythonWish {
  readonly variant?: Variant;
  readonly repair?: boolean;
}
