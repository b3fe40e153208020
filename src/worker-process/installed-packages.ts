import { probePython } from "./python-probe.js";
import { type CommandResult, runCommand } from "./run-command.js";
import { type WorkerCommandOptions, workerEnv } from "./worker-command.js";

/** A package that the lock names; the worker's module aiw_worker.installed says it. */
export interface InstalledPackage {
  readonly name: string;
  readonly wanted: string;
  /** Its version; null where it is not installed. */
  readonly found: string | null;
  /** Files that are gone or altered. */
  readonly damage: string | null;
}

export interface InstalledPackages {
  readonly packages: readonly InstalledPackage[];
  /** "name==version" of all that is installed, as pip freeze has it. */
  readonly installed: readonly string[];
}

export interface InstalledOptions extends Omit<WorkerCommandOptions, "args"> {
  readonly lockFile: string;
  readonly signal?: AbortSignal | undefined;
}

/** Every file of every package is read. */
const TIMEOUT_MS = 60_000;

/**
 * What an interpreter has of what the lock names, every file compared with what its package recorded; or
 * why it cannot say.
 * @throws AiwError INTERRUPTED
 */
export async function installedPackages(
  options: InstalledOptions,
): Promise<InstalledPackages | { readonly failure: string }> {
  const args = ["-m", "aiw_worker.installed", options.lockFile];
  const result = await runCommand(options.python, args, {
    env: workerEnv({ ...options, args: [] }),
    signal: options.signal,
    timeoutMs: TIMEOUT_MS,
  });
  return parseAnswer(result.stdout) ?? { failure: whyNot(result) };
}

/**
 * What is wrong with an environment of ours; undefined where all is as its lock says, and where its
 * interpreter runs and yet cannot tell (a slow disk): what cannot be judged is not damaged.
 */
export async function environmentDamage(options: InstalledOptions): Promise<string | undefined> {
  const answer = await installedPackages(options);
  if ("failure" in answer) {
    const facts = await probePython([options.python], options.env, options.signal);
    return "failure" in facts ? facts.failure : undefined;
  }
  for (const { name, wanted, found, damage } of answer.packages) {
    if (found === null) return `${name} is missing`;
    if (found !== wanted) return `${name} ${found}, not ${wanted}`;
    if (damage !== null) return `${name}: ${damage}`;
  }
  return undefined;
}

function whyNot({ failure, lines, code }: CommandResult): string {
  return failure ?? lines.at(-1) ?? `exit code ${code}`;
}

function parseAnswer(stdout: string): InstalledPackages | undefined {
  try {
    const answer: unknown = JSON.parse(stdout);
    if (typeof answer !== "object" || answer === null) return undefined;
    if (!("packages" in answer && "installed" in answer)) return undefined;
    return answer as InstalledPackages;
  } catch {
    return undefined;
  }
}
