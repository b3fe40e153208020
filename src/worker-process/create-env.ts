import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { AiwError } from "../core/errors.js";
import type { Env } from "./cache-dir.js";
import { interpreterOf, makeFolder } from "./env-store.js";
import { findOnPath } from "./find-on-path.js";
import { findPython, venvMissing } from "./find-python.js";
import { installFailure } from "./install-failure.js";
import { countPinned, installProgress } from "./install-progress.js";
import type { PythonFacts } from "./python-probe.js";
import { type CommandResult, runCommand } from "./run-command.js";
import { newestMinor, OLDEST_MINOR } from "./supported-python.js";

export interface CreateOptions {
  env: Env;
  /** Folder to make the environment in; nothing is there yet. */
  venvDir: string;
  lockFile: string;
  lockText: string;
  onStep: (text: string) => void;
  signal?: AbortSignal | undefined;
}

/** A run of one installer's command, in the environment's parent folder, telling its steps. */
type Run = (command: string, args: readonly string[]) => Promise<CommandResult>;

/**
 * Makes a virtual environment and installs what the lock file names into it, wheels with the locked
 * hashes only: with uv where it is on PATH and works, else with a Python's own venv and pip.
 * @throws AiwError PYTHON_MISSING, VENV_MISSING, ENV_FAILED, INTERRUPTED.
 */
export async function createEnv(options: CreateOptions): Promise<void> {
  const { lockText, onStep, signal, venvDir } = options;
  const progress = installProgress(countPinned(lockText));
  const scratch = `${venvDir}.tmp`;
  const env = installerEnv(options.env, scratch);
  const run: Run = (command, args) =>
    runCommand(command, args, {
      env,
      // Not the user's folder: a uv.toml, .python-version or numpy.py there is none of our business.
      cwd: dirname(venvDir),
      signal,
      onLine: (line) => {
        const step = progress(line);
        if (step !== undefined) onStep(step);
      },
    });
  try {
    await makeFolder(scratch);
    const uv = await findUv(env, signal);
    if (uv !== undefined) {
      onStep("creating the Python environment with uv");
      await createWithUv(uv, options, run);
    } else {
      const python = await findPython(env, signal);
      onStep(`creating the Python environment with ${python.executable} and pip`);
      await createWithPip(python, options, run);
    }
  } finally {
    await rm(scratch, { recursive: true, force: true }).catch(() => undefined);
  }
}

/**
 * The variables that would lead an installer's Python astray are left out. What it unpacks it puts beside
 * the environment: an installer that is stopped leaves that where it lies, and the next attempt empties
 * the slot.
 */
function installerEnv(env: Env, scratch: string): Env {
  const { PYTHONHOME: _home, PYTHONPATH: _path, VIRTUAL_ENV: _venv, ...rest } = env;
  const temporary = { TMPDIR: scratch, TEMP: scratch, TMP: scratch };
  return { ...rest, ...temporary, PYTHONUNBUFFERED: "1", PYTHONIOENCODING: "utf-8", NO_COLOR: "1" };
}

/** uv on PATH, if it runs: a shim of a version manager may have none behind it. */
export async function findUv(env: Env, signal?: AbortSignal): Promise<string | undefined> {
  const path = findOnPath("uv", env);
  if (path === undefined) return undefined;
  const { code } = await runCommand(path, ["--version"], { env, signal, timeoutMs: 30_000 });
  return code === 0 ? path : undefined;
}

async function createWithUv(uv: string, { venvDir, lockFile }: CreateOptions, run: Run): Promise<void> {
  const newest = newestMinor(process.platform, process.arch);
  const wanted = `>=3.${OLDEST_MINOR},<3.${newest + 1}`;
  const made = await run(uv, ["venv", "--no-project", "--python", wanted, venvDir]);
  if (made.code !== 0) {
    const none = made.lines.find((line) => /No interpreter found/i.test(line));
    if (none !== undefined)
      throw new AiwError("PYTHON_MISSING", `uv: ${none.trim()}`, { detail: made.lines.join("\n") });
    throw installFailure("making the Python environment with uv", made);
  }
  const target = ["--python", interpreterOf(venvDir)];
  const installed = await run(uv, ["pip", "install", ...target, ...fromLock(lockFile)]);
  if (installed.code !== 0) throw installFailure("installing the worker's packages with uv", installed);
}

/** Just what the lock names: it is complete, and leaves out what a package wants in vain. */
function fromLock(lockFile: string): string[] {
  return ["--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", lockFile];
}

async function createWithPip(python: PythonFacts, options: CreateOptions, run: Run): Promise<void> {
  const { venvDir, lockFile } = options;
  const made = await run(python.executable, ["-m", "venv", venvDir]);
  if (made.code !== 0) {
    // Debian may have the module ensurepip, but not the wheels that it needs.
    if (made.lines.some((line) => line.includes("ensurepip")))
      throw venvMissing(python, made.lines.join("\n"));
    throw installFailure(`making the Python environment with ${python.executable}`, made);
  }
  const installed = await run(interpreterOf(venvDir), [
    ...["-m", "pip", "install", "--disable-pip-version-check", "--no-input"],
    // The worker keeps compiled modules elsewhere (PYTHONPYCACHEPREFIX).
    "--no-compile",
    ...fromLock(lockFile),
  ]);
  if (installed.code !== 0) throw installFailure("installing the worker's packages with pip", installed);
}
