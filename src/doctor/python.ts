import { toAiwError } from "../core/errors.js";
import type { Env } from "../worker-process/cache-dir.js";
import { findUv } from "../worker-process/create-env.js";
import { findPython } from "../worker-process/find-python.js";
import { checkGivenPython } from "../worker-process/given-python.js";
import { findManagedEnv } from "../worker-process/python-env.js";
import { probePython, versionText } from "../worker-process/python-probe.js";
import { refuseWithoutWheels, type Variant } from "../worker-process/variants.js";
import { type Check, verdicts } from "./check.js";

/** What the worker would be run with. */
export interface Interpreter {
  readonly python: string;
  readonly kind: "managed" | "given";
  /** The managed environment's folder. */
  readonly dir?: string;
  /** What that was made from. */
  readonly lockFile?: string;
}

export interface PythonOptions {
  readonly env: Env;
  /** As ensurePython has them. */
  readonly lockFile: string;
  readonly servedBy?: readonly string[];
  /** What the environment is to be made for. */
  readonly variant?: Variant;
  readonly cacheDir: string;
  readonly signal: AbortSignal;
}

export interface FoundPython {
  readonly check: Check;
  /** Undefined where there is none that works, or none yet. */
  readonly interpreter?: Interpreter;
}

const { ok, failure, failed } = verdicts("python", "Python");

/** The interpreter that AIW_PYTHON names, else that of the managed environment, else what could make one. */
export async function checkPython(options: PythonOptions): Promise<FoundPython> {
  const given = options.env.AIW_PYTHON;
  if (given) return checkGiven(given, options);
  const made = findManagedEnv(options);
  if (made === undefined) return { check: await checkMaker(options) };
  const facts = await probePython([made.python], options.env, options.signal);
  if ("failure" in facts) {
    const detail = `the environment's interpreter ${made.python} does not run (${facts.failure})`;
    return { check: failure(detail, REMAKE) };
  }
  const check = ok(`${versionText(facts)} of the environment ${made.dir}`);
  return { check, interpreter: { ...made, kind: "managed" } };
}

async function checkGiven(given: string, { env, signal }: PythonOptions): Promise<FoundPython> {
  try {
    const python = await checkGivenPython(given, env, signal);
    const facts = await probePython([python], env, signal);
    const version = "failure" in facts ? "" : `${versionText(facts)}, `;
    return { check: ok(`${version}AIW_PYTHON=${python}`), interpreter: { python, kind: "given" } };
  } catch (error) {
    if (toAiwError(error).code !== "PYTHON_UNUSABLE") throw error;
    return { check: failed(error) };
  }
}

/** What would make the environment; it is not tried, since it would download. */
async function checkMaker({ env, variant = "cpu", signal }: PythonOptions): Promise<Check> {
  try {
    refuseWithoutWheels(variant, process.platform, process.arch);
    const uv = await findUv(env, signal);
    if (uv !== undefined) return ok(`the environment will be made by ${uv}`);
    const facts = await findPython(env, signal);
    return ok(`${versionText(facts)}, ${facts.executable}; it will make the environment`);
  } catch (error) {
    const { code } = toAiwError(error);
    if (!["PYTHON_MISSING", "VENV_MISSING", "ENGINE_MISSING"].includes(code)) throw error;
    return failed(error);
  }
}

/** What mends a managed environment, whatever is wrong with it. */
export const REMAKE = "Have it made anew with: aiw init";
