import type { Env } from "../worker-process/cache-dir.js";
import { runCommand } from "../worker-process/run-command.js";
import { workerEnv } from "../worker-process/worker-command.js";
import { type Check, NEEDS_PYTHON, verdicts } from "./check.js";
import type { Interpreter } from "./python.js";

export interface ProvidersOptions {
  readonly interpreter: Interpreter | undefined;
  readonly env: Env;
  /** That of the settings, whose provider is needed. */
  readonly device?: string | undefined;
  readonly workerDir: string;
  readonly cacheDir: string;
  readonly signal: AbortSignal;
}

/** A GPU's provider may compile for most of a minute when it starts for the first time. */
const TIMEOUT_MS = 90_000;
const CPU = "CPUExecutionProvider";
const CUDA = "CUDAExecutionProvider";
const all = verdicts("providers", "providers");

/** The execution providers that the installed onnxruntime lists, each really started by the worker's own code. */
export async function checkProviders(options: ProvidersOptions): Promise<Check[]> {
  const { interpreter } = options;
  if (interpreter === undefined) {
    return [all.warning("not tried: there is no Python environment", NEEDS_PYTHON)];
  }
  const { stdout, ended, lastLine } = await askProviders(interpreter, options, []);
  return judgeProviders(stdout, ended, lastLine, options.device);
}

/** What aiw_worker.providers says of an engine, how its process ended, and the last line on either stream. */
export async function askProviders(
  { python, kind }: Interpreter,
  { env, workerDir, cacheDir, signal }: ProvidersOptions,
  args: readonly string[],
): Promise<{ stdout: string; ended: string; lastLine: string | undefined }> {
  const result = await runCommand(python, ["-m", "aiw_worker.providers", ...args], {
    env: workerEnv({ python, kind, workerDir, cacheDir, args: [], env }),
    signal,
    timeoutMs: TIMEOUT_MS,
  });
  const ended =
    result.failure ?? (result.code === null ? "it was killed by a signal" : `exit code ${result.code}`);
  return { stdout: result.stdout, ended, lastLine: result.lines.at(-1) };
}

/** A line of aiw_worker.providers. */
type ProviderLine =
  | { readonly version: string; readonly listed: readonly string[] }
  | { readonly provider: string; readonly failure: string | null }
  | { readonly error: string };

/**
 * @param ended how the process ended: a provider may have taken it down
 * @param lastLine the last that it said, on whichever stream
 * @param device what the settings want inference to run on
 */
export function judgeProviders(
  stdout: string,
  ended: string,
  lastLine: string | undefined,
  device?: string,
): Check[] {
  const lines = parseProviders(stdout);
  const [first] = lines;
  if (first === undefined || !("listed" in first)) {
    const said = first !== undefined && "error" in first ? first.error : (lastLine ?? ended);
    return [
      all.failure(
        `onnxruntime cannot be asked: ${said}`,
        "See the Python packages and the worker start above.",
      ),
    ];
  }
  const tried = new Map(lines.flatMap((line) => ("provider" in line ? [[line.provider, line.failure]] : [])));
  const culprit = first.listed.find((name) => !tried.has(name));
  const lacking = device === "cuda" && !first.listed.includes(CUDA) ? [withoutCuda(first.version)] : [];
  const tries = first.listed.map((name) => {
    const { ok, warning, failure } = verdicts(
      `provider:${name}`,
      `provider ${name.replace(/ExecutionProvider$/, "")}`,
    );
    const why = tried.get(name);
    if (why === null) return ok(`${name} of onnxruntime ${first.version} starts`);
    if (why === undefined && name !== culprit)
      return warning("not tried, since the one before ended the process", "Mend that one, or remove it.");
    const detail = `${name} is listed but does not start: ${why ?? `it ended the process (${ended})`}`;
    if (name === CPU) return failure(detail, "Make the Python environment anew: onnxruntime is broken.");
    if (name === CUDA && device === "cuda")
      return failure(detail, "Install what it names (a driver of the GPU), or take --device cpu.");
    return warning(detail, "Install what it names, or do without: the other providers are used.");
  });
  return [...lacking, ...tries];
}

function withoutCuda(version: string): Check {
  const { failure } = verdicts(`provider:${CUDA}`, "provider CUDA");
  return failure(
    `the settings want device cuda, and onnxruntime ${version} has no ${CUDA}`,
    "Into the interpreter that AIW_PYTHON names install onnxruntime-gpu in onnxruntime's place, or unset it.",
  );
}

export function parseProviders(stdout: string): ProviderLine[] {
  return stdout.split("\n").flatMap(parseLine);
}

function parseLine(line: string): ProviderLine[] {
  try {
    return line.startsWith("{") ? [JSON.parse(line) as ProviderLine] : [];
  } catch {
    return [];
  }
}
