import { accessSync, constants, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
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
 * @throws OUTPUT_FAILED; a file that was there before is untouched then
 */
export async function writeWhole(target: string, text: string): Promise<void> {
  if (target === "-") return writeToStdout(text);
  const isSpecial = statSync(target, { throwIfNoEntry: false })?.isFile() === false;
  const path = isSpecial ? target : `${target}.${process.pid}.part`;
  try {
    writeFileSync(path, text);
    if (!isSpecial) renameSync(path, target);
  } catch (error) {
    if (!isSpecial) rmSync(path, { force: true });
    throw outputFailed(target, error);
  }
}

async function writeToStdout(text: string): Promise<void> {
  const stdout = new StdoutWriter();
  stdout.write(text);
  await stdout.flush().catch((error: unknown) => {
    if (!isReaderGone(error)) throw error;
  });
}
