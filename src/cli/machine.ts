import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheDir } from "../worker-process/cache-dir.js";
import { findFfmpeg } from "../worker-process/ffmpeg-binary.js";
import { ensurePython, findManagedEnv, type PythonEnvironment } from "../worker-process/python-env.js";
import type { CommandContext } from "./command-context.js";

const WORKER_DIR = fileURLToPath(new URL("../../worker", import.meta.url));
const LOCK_FILE = join(WORKER_DIR, "requirements.lock");

/** What a command uses of this machine beside Node; each thing is found or made when first asked for. */
export class Machine {
  readonly workerDir = WORKER_DIR;
  readonly exportLockFile = join(WORKER_DIR, "requirements-export.lock");
  readonly lockFile = LOCK_FILE;
  readonly cacheDir: string;
  private environment: Promise<PythonEnvironment> | undefined;

  /** @param signal stops the making of an environment */
  constructor(
    private readonly context: CommandContext,
    private readonly signal: AbortSignal,
  ) {
    this.cacheDir = cacheDir(context.env, process.platform, homedir());
  }

  /** The Python environment of the worker, made when missing. @param options.repair also when it is damaged */
  python({ repair = false } = {}): Promise<PythonEnvironment> {
    this.environment ??= ensurePython({
      env: this.context.env,
      lockFile: LOCK_FILE,
      cacheDir: this.cacheDir,
      onStep: (text) => this.context.progress.step(text),
      signal: this.signal,
      repairWith: repair ? WORKER_DIR : undefined,
    });
    return this.environment;
  }

  /**
   * ffmpeg: AIW_FFMPEG, the system's, else the one in the Python environment.
   * @param mayMakeEnvironment false where nothing else of this command needs Python
   */
  async ffmpeg(mayMakeEnvironment: boolean): Promise<string> {
    const { env } = this.context;
    const made = findManagedEnv({ lockFile: LOCK_FILE, cacheDir: this.cacheDir });
    try {
      return await findFfmpeg({ env, pythonEnvDir: made?.dir });
    } catch (error) {
      if (!mayMakeEnvironment || env.AIW_FFMPEG) throw error;
    }
    const { python, dir } = await this.python();
    return findFfmpeg({ env, python, pythonEnvDir: dir });
  }
}
