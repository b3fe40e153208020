import { readFile } from "node:fs/promises";
import { createTwoFilesPatch } from "diff";
import { isUnedited, withoutChecksum } from "../config/config-template.js";
import { AiwError, systemCode } from "../core/errors.js";
import { writeWhole } from "../sinks/whole-file.js";

/** What became of a configuration file. */
export interface ConfigOutcome {
  readonly path: string;
  /** "kept": it has somebody's edits, and stays as it is. */
  readonly action: "written" | "unchanged" | "kept";
  /** From what was there to what is or would be written, as a unified diff; absent where nothing was there. */
  readonly difference?: string;
}

/**
 * Writes a configuration file whole, unless one is there that somebody has edited.
 * @param force overwrites that too
 * @throws OUTPUT_FAILED
 */
export async function writeConfig(path: string, content: string, force: boolean): Promise<ConfigOutcome> {
  const there = await read(path);
  if (there === content) return { path, action: "unchanged" };
  if (there === undefined) {
    await writeWhole(path, content);
    return { path, action: "written" };
  }
  const difference = differenceOf(withoutChecksum(there), withoutChecksum(content));
  if (!force && !isUnedited(there)) return { path, action: "kept", difference };
  await writeWhole(path, content);
  return { path, action: "written", difference };
}

function differenceOf(before: string, after: string): string {
  const patch = createTwoFilesPatch("as it is", "as aiw init writes it", before, after, "", "", {
    context: 1,
  });
  return patch.replace(/^=+\n/, "").trimEnd();
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return undefined;
    throw new AiwError("OUTPUT_FAILED", `${path} cannot be read (${systemCode(cause)})`, { cause });
  }
}
