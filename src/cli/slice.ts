import { type Comparable, readComparable } from "../bench/comparable.js";
import { AiwError, ExitCode } from "../core/errors.js";
import { secretsMask } from "../core/mask.js";
import { type CommandResult, runCommand } from "../worker-process/run-command.js";
import type { SideCommand } from "./against-command.js";
import { secretsOf, shownCommand } from "./shown-command.js";

/** Characters of a report that are taken; one of a slice has some 30,000. */
const MOST_CHARS = 16 * 1024 * 1024;
/** What a bench may take beside its measuring before it is given up: a start, a long warm-up, an end. */
const PATIENCE_MS = 180_000;
const ERROR_LINE = /^aiw: error ([A-Z][A-Z0-9_]*): (.*)$/;

export interface SliceOptions {
  /** Which side it is, for an error. */
  readonly side: "base" | "head";
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  /** What this slice adds to the command line. */
  readonly args: readonly string[];
  /** Longest time that it measures for, microseconds. */
  readonly measuredUs: number;
}

/**
 * Runs one bench as a process of its own and reads its report. Its gates, if a configuration gives it some,
 * are not looked at.
 * @throws SLICE_FAILED, or USAGE where its command line is wrong, with its own error; the interruption, after
 *   it has ended
 */
export async function runSlice(command: SideCommand, options: SliceOptions): Promise<Comparable> {
  const { side, signal, measuredUs } = options;
  const result = await runCommand(
    command.program,
    [...command.args, ...options.args, "--json=-", "--quiet"],
    {
      env: { ...options.env, ...command.env },
      signal,
      timeoutMs: measuredUs / 1000 + PATIENCE_MS,
      maxStdoutChars: MOST_CHARS,
    },
  );
  const isDone = [ExitCode.ok, ExitCode.gateFailed, ExitCode.gateInsufficient].some(
    (code) => code === result.code,
  );
  if (!isDone) throw failure(side, command, result);
  const read = readComparable(result.stdout);
  if ("report" in read) return read.report;
  throw new AiwError("SLICE_FAILED", `${side}: what "${command.name}" wrote as its report ${read.wrong}`);
}

/** Why a side gave no report, in its own words but for its secrets: an error goes into reports and logs. */
function failure(
  side: string,
  command: SideCommand,
  { code, failure, lines: said }: CommandResult,
): AiwError {
  const { name, program } = command;
  const mask = secretsMask(secretsOf([program, ...command.args], command.env));
  const lines = said.map(mask);
  const detail = lines.join("\n");
  for (const line of lines.toReversed()) {
    const [, workerName, message] = ERROR_LINE.exec(line) ?? [];
    if (workerName === undefined || message === undefined) continue;
    // Its command line is ours to get right.
    if (code === ExitCode.usage)
      return new AiwError("USAGE", `${side}: ${message.replace(/ See --help\.$/, "")}`, {
        workerName,
        detail,
      });
    return new AiwError("SLICE_FAILED", `${side}: ${message}`, { workerName, detail });
  }
  if (failure !== undefined && /ENOENT/.test(failure)) {
    return new AiwError("USAGE", `--against "${name}": there is no program ${shownCommand([program])}`);
  }
  const how =
    (failure === undefined ? undefined : mask(failure)) ??
    (code === null ? "ended by a signal" : `exit code ${code}`);
  const last = lines.at(-1);
  const words = last === undefined ? "it said nothing" : `it said last: ${last}`;
  return new AiwError("SLICE_FAILED", `${side}: "${name}" gave no report (${how}); ${words}`, { detail });
}
