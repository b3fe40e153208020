import { delimiter, join } from "node:path";
import type { Env } from "./cache-dir.js";

/** How to run the worker: what both the spawned and the foreground one share. */
export interface WorkerCommandOptions {
  /** The interpreter; see python-env.ts. */
  python: string;
  /** "given" (the default) keeps its own PYTHONPATH and PYTHONHOME. */
  kind?: "managed" | "given";
  /** The folder that the package aiw_worker lies in. */
  workerDir: string;
  /** Compiled modules are kept in its folder `pycache`; without it Python puts them beside the sources. */
  cacheDir?: string;
  /** Arguments of `python -m aiw_worker`, after those that are always given. */
  args: readonly string[];
  env: Env;
}

/** The environment that the worker is run with. */
export function workerEnv(options: WorkerCommandOptions): NodeJS.ProcessEnv {
  const { kind = "given", workerDir, cacheDir } = options;
  const env: NodeJS.ProcessEnv = { ...options.env };
  const theirPath = kind === "given" ? env.PYTHONPATH : undefined;
  if (kind === "managed") delete env.PYTHONHOME;
  if (cacheDir !== undefined) {
    // aiw may be installed where this user cannot write. Where compiled modules are in nobody's way,
    // keeping them is always wanted: without them a start takes twice as long.
    env.PYTHONPYCACHEPREFIX = join(cacheDir, "pycache");
    delete env.PYTHONDONTWRITEBYTECODE;
  }
  return {
    ...env,
    PYTHONPATH: theirPath ? `${workerDir}${delimiter}${theirPath}` : workerDir,
    PYTHONUNBUFFERED: "1",
    PYTHONIOENCODING: "utf-8",
    // Or a numpy.py in the folder that aiw is run in would be imported (Python 3.11 and later heed it).
    PYTHONSAFEPATH: "1",
  };
}
