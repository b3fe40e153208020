import { readFileSync } from "node:fs";
import { plural } from "../core/plural.js";
import type { Env } from "../worker-process/cache-dir.js";
import { type InstalledPackage, installedPackages } from "../worker-process/installed-packages.js";
import { type Check, listed, NEEDS_PYTHON, verdicts } from "./check.js";
import { type Interpreter, REMAKE } from "./python.js";

export interface PackagesOptions {
  readonly interpreter: Interpreter | undefined;
  /** Whether a Python is there that could make the environment. */
  readonly canBeMade: boolean;
  readonly env: Env;
  readonly workerDir: string;
  readonly cacheDir: string;
  readonly lockFile: string;
  readonly signal: AbortSignal;
}

export interface FoundPackages {
  readonly check: Check;
  /** "name==version" of all that is installed, as pip freeze has it. */
  readonly installed: readonly string[];
}

const { ok, warning, failure } = verdicts("packages", "Python packages");

/** What is installed, against the lock: versions, missing packages, and files that are gone or altered. */
export async function checkPackages(options: PackagesOptions): Promise<FoundPackages> {
  const { interpreter, env, workerDir, cacheDir, signal } = options;
  const { lockFile = options.lockFile } = interpreter ?? {};
  if (interpreter === undefined && !options.canBeMade) {
    return { check: warning("not looked at: there is no Python to ask", NEEDS_PYTHON), installed: [] };
  }
  if (interpreter === undefined) {
    const count = plural(pinnedNames(readFileSync(lockFile, "utf8")).size, "package");
    const detail = `no environment yet; the first run makes it, of up to ${count}`;
    return { check: warning(detail, "Make it with a network at hand: aiw init"), installed: [] };
  }
  const { python, kind } = interpreter;
  const answer = await installedPackages({ python, kind, workerDir, cacheDir, env, lockFile, signal });
  if ("failure" in answer) {
    const detail = `${python} cannot list its packages: ${answer.failure}`;
    return { check: failure(detail, advice(options)), installed: [] };
  }
  return { check: judge(answer.packages, options), installed: answer.installed };
}

function judge(packages: readonly InstalledPackage[], options: PackagesOptions): Check {
  const isGiven = options.interpreter?.kind === "given";
  const broken = packages.flatMap(({ name, found, damage }) => {
    // Whoever brings an interpreter may have what a package holds from elsewhere (opencv-python).
    if (found === null) return isGiven ? [] : [`${name} is missing`];
    return damage === null ? [] : [`${name} ${found} is damaged: ${damage}`];
  });
  const other = packages.flatMap(({ name, wanted, found }) => {
    if (found === null) return isGiven ? [`no ${name} ${wanted}`] : [];
    return found === wanted ? [] : [`${name} ${found}, not ${wanted}`];
  });
  if (broken.length > 0) return failure(listed([...broken, ...other]), advice(options));
  if (other.length > 0) {
    const say = isGiven ? warning : failure;
    return say(`not as in the lock: ${listed(other)}`, advice(options));
  }
  return ok(`${plural(packages.length, "package")} as in the lock`);
}

function advice({ interpreter, lockFile }: PackagesOptions): string {
  if (interpreter?.dir !== undefined) return REMAKE;
  return `Install what the lock names: '${interpreter?.python}' -m pip install --force-reinstall --no-deps --require-hashes -r '${lockFile}', or unset AIW_PYTHON.`;
}

/** Each once, although it may be pinned for several versions of Python. */
function pinnedNames(lockText: string): Set<string> {
  return new Set(lockText.match(/^[A-Za-z0-9][\w.-]*(?===)/gm) ?? []);
}
