import { realpathSync } from "node:fs";
import { AiwError } from "../core/errors.js";
import type { Env } from "./cache-dir.js";
import { findAllOnPath } from "./find-on-path.js";
import { type PythonFacts, probePython, versionText } from "./python-probe.js";
import { newestMinor, OLDEST_MINOR, unfitness } from "./supported-python.js";
import { venvPackage } from "./venv-package.js";

type Command = readonly [string, ...string[]];

/** The names an interpreter may go by, the likeliest first. */
function interpreterNames(platform: NodeJS.Platform, arch: string): string[] {
  const numbered: string[] = [];
  for (let minor = newestMinor(platform, arch); minor >= OLDEST_MINOR; minor -= 1) {
    numbered.push(`python3.${minor}`);
  }
  return ["python3", ...numbered, "python"];
}

function candidates(names: readonly string[], env: Env): Command[] {
  const launchers =
    process.platform === "win32" ? findAllOnPath("py", env).map((path): Command => [path, "-3"]) : [];
  const seen = new Set<string>();
  const found: Command[] = [];
  for (const path of names.flatMap((name) => findAllOnPath(name, env))) {
    // Apple's own is too old, and opens a dialog that offers to install developer tools.
    if (process.platform === "darwin" && path === "/usr/bin/python3") continue;
    const real = realpathSync(path);
    if (seen.has(real)) continue;
    seen.add(real);
    found.push([path]);
  }
  return [...launchers, ...found];
}

/**
 * The first Python on PATH that an environment can be made with: CPython >= 3.10 of 64 bits, with venv
 * and ensurepip, and wheels for its version. One later than the lock knows is taken only for want of
 * another.
 * @throws AiwError PYTHON_MISSING (none, or only unfit ones, which it names), VENV_MISSING.
 */
export async function findPython(env: Env, signal?: AbortSignal): Promise<PythonFacts> {
  const newest = newestMinor(process.platform, process.arch);
  const names = interpreterNames(process.platform, process.arch);
  const unfit = new Set<string>();
  let withoutVenv: PythonFacts | undefined;
  let tooNew: PythonFacts | undefined;
  for (const command of candidates(names, env)) {
    const facts = await probePython(command, env, signal);
    if ("failure" in facts) continue;
    const reason = unfitness(facts);
    if (reason !== undefined) unfit.add(`${reason} (${command[0]})`);
    else if (!facts.venv) withoutVenv ??= facts;
    else if (facts.version[1] > newest) tooNew ??= facts;
    else return facts;
  }
  if (tooNew !== undefined) return tooNew;
  if (withoutVenv !== undefined) throw venvMissing(withoutVenv);
  const found = unfit.size === 0 ? "none was found" : `only ${[...unfit].join(", ")} was found`;
  throw new AiwError(
    "PYTHON_MISSING",
    `no Python >= 3.${OLDEST_MINOR} (64-bit CPython): ${found}; looked on PATH for uv, ${names.join(", ")}`,
  );
}

/** The error for an interpreter that cannot make environments. */
export function venvMissing(facts: PythonFacts, detail?: string): AiwError {
  return new AiwError(
    "VENV_MISSING",
    `Python ${versionText(facts)} (${facts.executable}) cannot make virtual environments: ${venvPackage(facts)}`,
    detail === undefined ? {} : { detail },
  );
}
