import { createInterface } from "node:readline/promises";
import { AiwError } from "../core/errors.js";
import { EXPORT_NOTICE, exportModel } from "../worker-process/export-model.js";
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
  const { stdin, stderr } = process;
  if (!stdin.isTTY || !stderr.isTTY) {
    throw new AiwError("USAGE", "--export asks before it goes on; with nobody to ask, add --yes");
  }
  const asking = createInterface({ input: stdin, output: stderr });
  // In raw mode the terminal tells the reader of Ctrl-C, and not us.
  asking.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    const answer = await asking.question("Go on? [y/N] ", { signal }).catch(() => {
      if (signal.aborted) throw signal.reason;
      // Ctrl-D: no answer is no.
      return "";
    });
    if (!/^y(es)?$/i.test(answer.trim())) throw new AiwError("USAGE", "nothing was exported");
  } finally {
    asking.close();
  }
}
