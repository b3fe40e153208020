import { port as portValue } from "../config/values.js";
import { AiwError } from "../core/errors.js";
import { runWorkerForeground } from "../worker-process/worker-process.js";
import type { CommandContext } from "./command-context.js";
import { type Flag, flagValue, longName, type ParsedFlags } from "./flags.js";
import { Machine } from "./machine.js";
import { commandSettings } from "./settings.js";

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = "7001";

/** What most often is behind a signal that nobody here has sent. */
const KILLED_FOR: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGKILL: ", from outside: the system does that where memory is short (see dmesg)",
  SIGSEGV: ", a fault of native code: what it was doing is in its log above",
};

/** `aiw worker`: the Python worker in the foreground; its exit code is ours. */
export async function execute(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  context: CommandContext,
): Promise<number> {
  const settings = await commandSettings(flags, parsed, context.env);
  const { engine, device, threads, log_format: logFormat } = settings;
  const { env } = context;
  const host = (parsed.host as string | undefined) ?? (env.BIND_HOST || DEFAULT_HOST);
  const port = parsePort(parsed.port as string | undefined, env);
  const modelDirs = (parsed.modelDir as string[] | undefined) ?? [];
  const machine = new Machine(context, context.interrupt, settings);
  const { python, kind } = await machine.python();
  context.progress.clear();
  return runWorkerForeground({
    python,
    kind,
    workerDir: machine.workerDir,
    cacheDir: machine.cacheDir,
    args: [
      ...["--host", host, "--port", String(port)],
      ...modelDirs.flatMap((dir) => ["--model-dir", dir]),
      ...(threads === undefined ? [] : ["--threads", String(threads)]),
      ...(engine === undefined ? [] : ["--engine", engine]),
      ...(device === undefined ? [] : ["--device", device]),
      ...(logFormat === undefined ? [] : ["--log-format", logFormat]),
      ...(parsed.insecure === true || env.AIW_INSECURE === "1" ? ["--insecure"] : []),
      ...handedOn(flags, parsed),
      ...(context.debug ? ["--debug"] : []),
    ],
    env,
    signal: context.interrupt,
    onKilled: (name) =>
      context.progress.note(`aiw: the worker was ended by ${name}${KILLED_FOR[name] ?? ""}`),
  });
}

/** As `--name=value`, or a value that begins with a dash would be taken for another flag. */
function handedOn(flags: readonly Flag[], parsed: ParsedFlags): string[] {
  const given = flags.filter((flag) => flag.handedOn && flagValue(flag, parsed) !== undefined);
  return given.map((flag) => `${longName(flag)}=${flagValue(flag, parsed)}`);
}

function parsePort(flag: string | undefined, env: NodeJS.ProcessEnv): number {
  const text = flag ?? (env.BIND_PORT || DEFAULT_PORT);
  const result = portValue.safeParse(text);
  if (result.success) return result.data;
  throw new AiwError(
    "USAGE",
    `${flag === undefined ? "BIND_PORT" : "--port"} "${text}" ${result.error.issues[0]?.message}`,
  );
}
