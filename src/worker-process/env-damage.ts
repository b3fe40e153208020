import type { Env } from "./cache-dir.js";
import { WORKER_MODULES } from "./python-probe.js";
import { runCommand } from "./run-command.js";

/** Importing everything takes a second; on a cold disk far longer. */
const IMPORT_TIMEOUT_MS = 120_000;

const IMPORT_ALL = `
import importlib, sys
for name in ${JSON.stringify(WORKER_MODULES)}:
    try:
        importlib.import_module(name)
    except BaseException as error:
        print(f"aiw-damage {name} cannot be imported: {error}".replace("\\n", " "))
        break
else:
    print("aiw-whole")
`;

/**
 * What is wrong with an environment that was made whole once: a package was deleted or altered, or a
 * library of the system that it needs has gone. Undefined when all that the worker imports can be.
 * @throws AiwError INTERRUPTED
 */
export async function environmentDamage(
  python: string,
  env: Env,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const { stdout, lines, failure, code } = await runCommand(python, ["-c", IMPORT_ALL], {
    env: { ...env, PYTHONHOME: undefined, PYTHONPATH: undefined, PYTHONSAFEPATH: "1" },
    signal,
    timeoutMs: IMPORT_TIMEOUT_MS,
  });
  if (/^aiw-whole$/m.test(stdout)) return undefined;
  const damage = /^aiw-damage (.*)$/m.exec(stdout)?.[1];
  return damage ?? failure ?? lines.at(-1) ?? `its interpreter ends with exit code ${code}`;
}
