import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { AiwError, systemCode } from "../core/errors.js";
import type { Env } from "./cache-dir.js";
import { createEnv } from "./create-env.js";
import { withEnvLock } from "./env-lock.js";
import {
  type EnvSlot,
  envSlot,
  makeFolder,
  markReady,
  prepareSlot,
  type ReadyEnv,
  readReady,
} from "./env-store.js";
import { checkGivenPython } from "./given-python.js";
import { environmentDamage } from "./installed-packages.js";

export interface EnsurePythonOptions {
  env: Env;
  /** What the environment is made from; for the worker's see variants.ts. */
  lockFile: string;
  /** Lock files whose environments do as well, where they are there and this one's is not. */
  servedBy?: readonly string[];
  /** See cache-dir.ts; environments are made in its folder `env`. */
  cacheDir: string;
  /** Told what is being done, when there is something to do. */
  onStep?: (text: string) => void;
  signal?: AbortSignal | undefined;
  /**
   * Also looks whether an environment that is there is still whole, and makes it anew where it is not.
   * The worker's folder, whose module looks.
   */
  repairWith?: string | undefined;
}

/** An interpreter that has the worker's packages. */
export interface PythonEnvironment {
  python: string;
  /** Whether aiw made its environment, or AIW_PYTHON names it. */
  kind: "managed" | "given";
  /** The managed environment's folder. */
  dir?: string;
}

/**
 * The interpreter to run the worker with: the one that AIW_PYTHON names, after a check, else that of the
 * managed environment of this lock file, which is made when it is missing, half made, or broken. When it
 * is there, finding it takes a few file reads and no subprocess. Several commands may ask at once.
 * @throws AiwError PYTHON_UNUSABLE (AIW_PYTHON), PYTHON_MISSING, VENV_MISSING, ENV_FAILED, ENV_LOCKED,
 *   INTERRUPTED (signal; nothing is left that counts as made).
 */
export async function ensurePython(options: EnsurePythonOptions): Promise<PythonEnvironment> {
  const { env, signal } = options;
  const given = env.AIW_PYTHON;
  if (given) return { python: await checkGivenPython(given, env, signal), kind: "given" };

  const locked = chooseLock(options);
  const damaged = await damagedEnv(locked, options);
  const find = () => {
    const ready = readReady(locked.slot);
    return ready?.dir === damaged ? undefined : ready;
  };
  const ready = find() ?? (await makeOrAwait(locked, find, options));
  return { ...ready, kind: "managed" };
}

/** A managed environment that is made, and the lock file that it was made from. */
export interface ManagedEnv extends ReadyEnv {
  lockFile: string;
}

/** The managed environment of a lock file, or one that serves for it, if it is already made; makes nothing. */
export function findManagedEnv(options: LockOptions): ManagedEnv | undefined {
  const { slot, lockFile } = chooseLock(options);
  const ready = readReady(slot);
  return ready && { ...ready, lockFile };
}

type LockOptions = Pick<EnsurePythonOptions, "lockFile" | "servedBy" | "cacheDir">;

interface Locked {
  readonly lockFile: string;
  readonly lockText: string;
  readonly slot: EnvSlot;
}

/** The lock file whose environment is to be used, or made. */
function chooseLock({ lockFile, servedBy = [], cacheDir }: LockOptions): Locked {
  const read = (file: string) => {
    const lockText = readLock(file);
    return { lockFile: file, lockText, slot: envSlot(resolve(cacheDir), lockText) };
  };
  const isMade = ({ slot }: Locked) => readReady(slot) !== undefined;
  const own = read(lockFile);
  return isMade(own) ? own : (servedBy.map(read).find(isMade) ?? own);
}

/** The folder of an environment that is there and damaged, where that is looked for. */
async function damagedEnv(
  { slot, lockFile }: Locked,
  options: EnsurePythonOptions,
): Promise<string | undefined> {
  const { repairWith: workerDir, onStep } = options;
  const ready = readReady(slot);
  if (ready === undefined || workerDir === undefined) return undefined;
  onStep?.("checking the Python environment");
  const damage = await environmentDamage({ ...options, ...ready, lockFile, kind: "managed", workerDir });
  if (damage === undefined) return undefined;
  onStep?.(`the Python environment is damaged (${damage}): making it anew`);
  return ready.dir;
}

async function makeOrAwait(
  { slot, lockFile, lockText }: Locked,
  find: () => ReadyEnv | undefined,
  options: EnsurePythonOptions,
): Promise<ReadyEnv> {
  const { env, signal, onStep = () => undefined } = options;
  await makeFolder(dirname(slot.dir));
  const make = async () => {
    const venvDir = await prepareSlot(slot);
    try {
      await createEnv({ env, venvDir, lockFile: resolve(lockFile), lockText, onStep, signal });
      return await markReady(slot, venvDir);
    } catch (error) {
      await rm(venvDir, { recursive: true, force: true }).catch(() => undefined);
      throw error;
    }
  };
  const onWait = () => onStep("waiting for another aiw command that is making the Python environment");
  return withEnvLock(slot, find, make, onWait, signal);
}

function readLock(lockFile: string): string {
  try {
    return readFileSync(lockFile, "utf8");
  } catch (cause) {
    const message = `cannot read ${lockFile} (${systemCode(cause)}), which comes with aiw: install aiw again`;
    throw new AiwError("ENV_FAILED", message, { cause });
  }
}
