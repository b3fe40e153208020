import type { Env } from "./cache-dir.js";
import { runCommand } from "./run-command.js";

/** What an interpreter says of itself. */
export interface PythonFacts {
  /** Absolute path of the interpreter proper, behind any shim or launcher. */
  executable: string;
  version: readonly [major: number, minor: number, micro: number];
  /** "cpython", "pypy"; wheels are there for the first only. */
  implementation: string;
  /** Pointer size, bits. */
  bits: number;
  /** Whether `python -m venv` will work: both venv and ensurepip are there. */
  venv: boolean;
  /** The worker's modules that it does not have. */
  missing: string[];
}

export type ProbeResult = PythonFacts | { failure: string };

/** The modules that the worker imports, by the names it imports them with. */
const WORKER_MODULES = ["onnxruntime", "numpy", "google.protobuf", "cv2"];

/** Nothing is imported, as importing onnxruntime and cv2 would take most of a second. */
const PROBE = `
import sys, json, struct
from importlib.util import find_spec
def has(name):
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
print("aiw-probe " + json.dumps(dict(
    executable=sys.executable, version=sys.version_info[:3], implementation=sys.implementation.name,
    bits=struct.calcsize("P") * 8, venv=has("venv") and has("ensurepip"),
    missing=[m for m in ${JSON.stringify(WORKER_MODULES)} if not has(m)])))
`;

/** Longest that an interpreter may take to say what it is; a hanging shim must not hang aiw. */
const MOST_CHARS = 200;
const PROBE_TIMEOUT_MS = 30_000;

/** Runs an interpreter once (about 20 ms) and asks what it is. */
export async function probePython(
  command: readonly [string, ...string[]],
  env: Env,
  signal?: AbortSignal,
): Promise<ProbeResult> {
  const [file, ...args] = command;
  const result = await runCommand(file, [...args, "-c", PROBE], {
    // Modules are not to be found in the folder that aiw happens to be run in.
    env: { ...env, PYTHONSAFEPATH: "1", PYTHONIOENCODING: "utf-8" },
    signal,
    timeoutMs: PROBE_TIMEOUT_MS,
  });
  const answer = /^aiw-probe (.*)$/m.exec(result.stdout)?.[1];
  if (answer !== undefined) return JSON.parse(answer) as PythonFacts;
  // Python 2 and what is no Python at all end here.
  const said = result.lines.at(-1) ?? `exit code ${result.code}`;
  // What is no Python may repeat all that it was asked.
  return { failure: result.failure ?? (said.length > MOST_CHARS ? `${said.slice(0, MOST_CHARS)}…` : said) };
}

export const versionText = (facts: PythonFacts): string => facts.version.join(".");
