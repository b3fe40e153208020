import { readFile } from "node:fs/promises";
import { createTwoFilesPatch } from "diff";
import { type ConfigChanges, editConfig } from "../config/config-edit.js";
import { isUnedited, withoutChecksum } from "../config/config-template.js";
import { AiwError, systemCode } from "../core/errors.js";
import { writeWhole } from "../sinks/whole-file.js";

/** What became of a configuration file. */
export interface ConfigOutcome {
  readonly path: string;
  /** "changed": it has somebody's edits, which stay; "kept": all of it stays as it is. */
  readonly action: "written" | "unchanged" | "changed" | "kept";
  /** From what was there to what is or would be written, as a unified diff; absent where nothing was there. */
  readonly difference?: string;
}

/** What a file is to say. */
export interface WantedConfig {
  /** Of a new file, or one that nobody has edited. */
  readonly content: string;
  /** What was asked for by name, and an edited file is to say too; undefined where nothing was. */
  readonly asked: { readonly changes: ConfigChanges; readonly modelComment: string | undefined } | undefined;
  /** Whether an edited file is written over whole. */
  readonly overwrites: boolean;
}

/**
 * Writes a configuration file whole, or changes in one that somebody has edited what was asked for and no more.
 * @throws OUTPUT_FAILED
 */
export async function writeConfig(
  path: string,
  { content, asked, overwrites }: WantedConfig,
): Promise<ConfigOutcome> {
  const there = await read(path);
  if (there === undefined) {
    await writeWhole(path, content);
    return { path, action: "written" };
  }
  const isOurs = overwrites || isUnedited(there);
  const edited = asked === undefined ? undefined : editConfig(there, asked.changes, asked.modelComment);
  const next = isOurs ? content : (edited ?? content);
  if (next === there) return { path, action: "unchanged" };
  const difference = differenceOf(withoutChecksum(there), withoutChecksum(next));
  if (!isOurs && edited === undefined) return { path, action: "kept", difference };
  await writeWhole(path, next);
  return { path, action: isOurs ? "written" : "changed", difference };
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
