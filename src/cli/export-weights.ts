import { AiwError } from "../core/errors.js";
import { EXPORT_NOTICE, exportModel } from "../worker-process/export-model.js";
import { ask } from "./ask.js";
import type { CommandContext } from "./command-context.js";
import type { ParsedFlags } from "./flags.js";
import type { Machine } from "./machine.js";

/**
 * Exports weights after saying by what, under which licence, and being told to go on.
 * @returns the path of the ONNX file
 * @throws USAGE where there is nobody to ask and --yes is not given; EXPORT_FAILED, INTERRUPTED
 */
export async function exportWeights(
  weights: string,
  flags: ParsedFlags,
  machine: Machine,
  context: CommandContext,
): Promise<string> {
  const { env, interrupt, progress } = context;
  // Said in any case, even with --quiet: whoever has it done must have been told.
  progress.clear();
  process.stderr.write(`aiw: ${EXPORT_NOTICE}\n`);
  if (flags.yes !== true) await askToGoOn(interrupt);
  return exportModel(weights, {
    env,
    lockFile: machine.exportLockFile,
    cacheDir: machine.cacheDir,
    onStep: (text) => progress.step(text),
    signal: interrupt,
    force: flags.force === true,
  });
}

async function askToGoOn(signal: AbortSignal): Promise<void> {
  const unasked = "--export asks before it goes on; with nobody to ask, add --yes";
  if (!(await ask("Go on?", unasked, signal))) throw new AiwError("USAGE", "nothing was exported");
}
