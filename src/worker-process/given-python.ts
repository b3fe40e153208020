import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { AiwError, systemCode } from "../core/errors.js";
import type { Env } from "./cache-dir.js";
import { findOnPath, isExecutableFile } from "./find-on-path.js";
import { probePython, versionText } from "./python-probe.js";
import { isNewEnough, OLDEST_MINOR } from "./supported-python.js";

const unusable = (path: string, why: string) => new AiwError("PYTHON_UNUSABLE", `AIW_PYTHON=${path}: ${why}`);

/**
 * Checks the interpreter that AIW_PYTHON names (a path, or a name on PATH) and returns its path, which
 * is used as it is: a virtual environment's own link must not be resolved, as that would leave it.
 * @throws AiwError PYTHON_UNUSABLE naming it and what is wrong with it.
 */
export async function checkGivenPython(given: string, env: Env, signal?: AbortSignal): Promise<string> {
  const path = /[\\/]/.test(given) ? resolve(given) : findOnPath(given, env);
  if (path === undefined) throw unusable(given, "there is no such program on PATH");
  checkFile(path);
  const facts = await probePython([path], env, signal);
  if ("failure" in facts) throw unusable(path, `it does not run as a Python (${facts.failure})`);
  if (!isNewEnough(facts)) {
    throw unusable(path, `it is Python ${versionText(facts)}, the worker needs 3.${OLDEST_MINOR} or later`);
  }
  if (facts.missing.length > 0) {
    throw unusable(path, `Python ${versionText(facts)} without the modules ${facts.missing.join(", ")}`);
  }
  return path;
}

function checkFile(path: string): void {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (error) {
    const code = systemCode(error);
    throw unusable(path, code === "ENOENT" ? "there is no such file" : `it cannot be read (${code})`);
  }
  if (isFolder) throw unusable(path, `it is a folder; name its interpreter (${join(path, "bin", "python")})`);
  if (!isExecutableFile(path)) throw unusable(path, "it is not executable");
}
