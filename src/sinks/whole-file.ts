import { lstatSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { AiwError, systemCode } from "../core/errors.js";

/**
 * Writes a file whole or not at all: under another name first, then renamed into place. What is no
 * ordinary file (a pipe, /dev/stderr) is written as it is.
 * @param target path, or "-" for stdout
 * @throws OUTPUT_FAILED; a file that was there before is untouched then
 */
export function writeWhole(target: string, text: string): void {
  if (target === "-") {
    process.stdout.write(text);
    return;
  }
  const isSpecial = lstatSync(target, { throwIfNoEntry: false })?.isFile() === false;
  const path = isSpecial ? target : `${target}.${process.pid}.part`;
  try {
    writeFileSync(path, text);
    if (!isSpecial) renameSync(path, target);
  } catch (error) {
    if (!isSpecial) rmSync(path, { force: true });
    throw new AiwError(
      "OUTPUT_FAILED",
      `${target} cannot be written (${systemCode(error) ?? String(error)})`,
      {
        cause: error,
      },
    );
  }
}
