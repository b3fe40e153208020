import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { findConfigFile, withoutSettings } from "../config/config-file.js";
import type { SettingName } from "../config/settings.js";
import { AiwError } from "../core/errors.js";
import type { SideCommand } from "./against-command.js";
import type { Sides } from "./interleave.js";

/** What a configuration file says of benches by themselves, and of comparisons. */
const NOT_OF_A_SLICE: readonly SettingName[] = [
  ...(["json", "junit", "markdown", "html", "out"] as const),
  ...(["gates", "require_stable", "frames", "max_duration", "find_max", "sweep", "max_regression"] as const),
];

/**
 * Runs a comparison whose sides do not write the reports that a configuration file asks for, nor take more
 * from it than a slice has: a side whose file says such things is given a copy without them, by --config,
 * which every aiw knows. A side that is started by something else than node, npx or aiw itself (a container,
 * another folder) reads what cannot be known here, and is left as it is.
 * @param folder where the slices run
 * @throws what `use` throws
 */
export async function withSliceConfigs<T>(
  sides: Sides<SideCommand>,
  folder: string,
  use: (sides: Sides<SideCommand>) => Promise<T>,
): Promise<T> {
  // For this user's eyes only: the URL of a camera may be in there.
  const copies = await mkdtemp(join(tmpdir(), "aiw-against-"));
  const side = async (which: "base" | "head"): Promise<SideCommand> => {
    const command = sides[which];
    const read = await readsHere(command, folder);
    const content = read === undefined ? undefined : withoutSettings(read, NOT_OF_A_SLICE);
    if (read === undefined || content === undefined) return command;
    // Under its own name, by which errors call it.
    const copy = join(copies, which, basename(read.path));
    await mkdir(join(copies, which));
    await writeFile(copy, content);
    return { ...command, args: [...command.args, `--config=${copy}`] };
  };
  try {
    return await use({ base: await side("base"), head: await side("head") });
  } finally {
    await rm(copies, { recursive: true, force: true });
  }
}

/** The file that a side reads, where that can be known; one that cannot be read the side itself complains of. */
async function readsHere({ program, args }: SideCommand, folder: string) {
  if (program !== process.execPath && !/^(?:node|npx|aiw)(?:\.\w+)?$/.test(basename(program)))
    return undefined;
  try {
    return await findConfigFile(configOf(args), folder);
  } catch (error) {
    if (error instanceof AiwError) return undefined;
    throw error;
  }
}

/** The value of --config; of several the last counts. */
function configOf(args: readonly string[]): string | undefined {
  const at = args.findLastIndex((word) => /^--config(?:=|$)/.test(word));
  const word = args[at];
  return word?.includes("=") ? word.slice(word.indexOf("=") + 1) : word && args[at + 1];
}
