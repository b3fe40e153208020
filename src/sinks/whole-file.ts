import { accessSync, constants, statSync } from "node:fs";
import { realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { settledOrAborted } from "../core/settled-or-aborted.js";
import { outputFailed } from "./output-failed.js";
import { isReaderGone, StdoutWriter } from "./stdout.js";

/**
 * Checks that a file can be written, long before it is; touches nothing.
 * @param target path, or "-" for stdout
 * @throws OUTPUT_FAILED
 */
export function checkWritable(target: string): void {
  if (target === "-") return;
  try {
    const there = statSync(target, { throwIfNoEntry: false });
    if (there?.isDirectory()) throw Object.assign(new Error("is a folder"), { code: "EISDIR" });
    accessSync(there === undefined ? dirname(target) : target, constants.W_OK);
  } catch (error) {
    throw outputFailed(target, error);
  }
}

/**
 * Writes a file whole or not at all: under another name first, then renamed into place. What is no
 * ordinary file (a pipe, /dev/stderr) is written as it is.
 * @param target path, or "-" for stdout
 * @param giveUp ends the waiting for a reader of stdout that takes nothing
 * @throws OUTPUT_FAILED; a file that was there before is untouched then
 */
export async function writeWhole(target: string, text: string, giveUp?: AbortSignal): Promise<void> {
  return target === "-" ? writeToStdout(text, giveUp) : writeWholeFile(target, text);
}

/** As `writeWhole`, for what is never stdout. */
export async function writeWholeFile(target: string, content: string | Uint8Array): Promise<void> {
  // Through a link, and with the mode that is there: a file may hold what is nobody else's business.
  const path = await realpath(target).catch(() => target);
  const there = await stat(path).catch(() => undefined);
  const isSpecial = there?.isFile() === false;
  const written = isSpecial ? path : `${path}.${process.pid}.part`;
  try {
    await writeFile(written, content, there === undefined || isSpecial ? {} : { mode: there.mode });
    if (!isSpecial) await rename(written, path);
  } catch (error) {
    // What cannot be taken away is no news: the error before says more.
    if (!isSpecial) await rm(written, { force: true }).catch(() => {});
    throw outputFailed(target, error);
  }
}

async function writeToStdout(text: string, giveUp = new AbortController().signal): Promise<void> {
  const stdout = new StdoutWriter();
  stdout.write(text);
  await settledOrAborted(stdout.flush(), giveUp).catch((error: unknown) => {
    if (!isReaderGone(error)) throw error;
  });
}
