import { fileURLToPath } from "node:url";
import { AiwError } from "../core/errors.js";
import { findOnPath } from "../worker-process/find-on-path.js";
import { CommandLineError, splitCommandLine } from "../core/command-line.js";
import { type Flag, flagValue, longName, type ParsedFlags } from "./flags.js";
import { shownCommand } from "./shown-command.js";

const OWN_BIN = fileURLToPath(new URL("../../bin/aiw.js", import.meta.url));

/** A command line of one side, without what each slice adds to it. */
export interface SideCommand {
  /** As people know it, without what is secret in it. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Beside the environment there is. */
  readonly env: Readonly<Record<string, string>>;
}

/** What `--against` itself decides, for both sides. */
const DECIDED = ["--against", "--max-regression", "--duration", "--json", "--markdown", "--quiet", "--debug"];
/** What the other side takes from ours where its own command line does not say it: the load. */
const LOAD = ["--fps", "--source", "--camera", "--warmup", "--loop", "--realtime"];
/** What would make a slice something else than a bench of one length and rate. */
const REFUSED = [
  ...["--against", "--max-regression", "--json", "--junit", "--markdown", "--html", "--out", "--duration"],
  ...["--frames", "--gate", "--max-duration", "--find-max", "--sweep", "--require-stable", "--help"],
];

/** Our own side, by the flags that this command was given. */
export function ownSide(flags: readonly Flag[], parsed: ParsedFlags): SideCommand {
  const given = givenFlags(flags, parsed, (name) => !DECIDED.includes(name));
  return {
    name: shownCommand(["aiw", "bench", ...given]),
    program: process.execPath,
    args: [OWN_BIN, "bench", ...given],
    env: {},
  };
}

/**
 * The other side, by the text of `--against`: a whole command line (`node ../base/bin/aiw.js bench`), one
 * that begins with `bench`, or flags only; before any, variables of its environment (`NAME=value`). A whole
 * one is taken as it is written, but for the load (rate, source, warm-up), which it takes from ours; flags
 * only are those that differ from ours.
 * @throws USAGE
 */
export function otherSide(
  text: string,
  flags: readonly Flag[],
  parsed: ParsedFlags,
  env: NodeJS.ProcessEnv,
): SideCommand {
  const words = wordsOf(text);
  const name = shownCommand(words);
  const refuse = (why: string) => new AiwError("USAGE", `--against "${name}" ${why}`);
  const assigned = words.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word));
  const command = assigned === -1 ? [] : words.slice(assigned);
  const variables = Object.fromEntries(
    words.slice(0, words.length - command.length).map((word) => {
      const at = word.indexOf("=");
      return [word.slice(0, at), word.slice(at + 1)];
    }),
  );
  if (words.length === 0) throw refuse("names no command");
  const [first = "-"] = command;
  const isFlagsOnly = first.startsWith("-");
  const isOwn = isFlagsOnly || first === "bench" || (first === "aiw" && findOnPath(first, env) === undefined);
  const rest = isFlagsOnly ? ["bench", ...command] : command.slice(first === "bench" ? 0 : 1);
  if (!rest.includes("bench")) throw refuse("is no aiw bench: there is no word bench in it");
  const refused = REFUSED.find((name) => says(rest, name));
  if (refused !== undefined)
    throw refuse(`gives ${refused}, which is the comparison's own; leave it out there`);
  // A camera takes the place of a source, as it does on one command line.
  const looks = says(rest, "--source") || says(rest, "--camera") ? ["--source", "--camera"] : [];
  const inherited = givenFlags(flags, parsed, (name) => {
    const isWanted = isFlagsOnly ? !DECIDED.includes(name) : LOAD.includes(name);
    return isWanted && !says(rest, name) && !looks.includes(name);
  });
  return {
    name,
    program: isOwn ? process.execPath : first,
    args: [...(isOwn ? [OWN_BIN] : []), ...rest, ...inherited],
    env: variables,
  };
}

function wordsOf(text: string): string[] {
  try {
    return splitCommandLine(text);
  } catch (error) {
    // What is secret in a text without words cannot be told, so it is not shown.
    if (error instanceof CommandLineError) throw new AiwError("USAGE", `--against ${error.message}`);
    throw error;
  }
}

function says(words: readonly string[], flag: string): boolean {
  return words.some((word) => word === flag || word.startsWith(`${flag}=`));
}

/** The flags that were given, as words; each value is joined to its flag, so that none is taken for a flag. */
function givenFlags(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  isWanted: (name: string) => boolean,
): string[] {
  return flags.flatMap((flag) => {
    const name = longName(flag);
    const value = flagValue(flag, parsed);
    if (value === undefined || value === false || !isWanted(name)) return [];
    if (value === true) return [name];
    return [value].flat().map((one) => `${name}=${String(one)}`);
  });
}
