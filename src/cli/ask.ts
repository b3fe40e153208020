import { createInterface } from "node:readline/promises";
import { AiwError } from "../core/errors.js";

/**
 * Asks whoever sits at the terminal; no answer is no.
 * @param unasked what is wrong where there is nobody to ask
 * @throws USAGE where there is nobody; INTERRUPTED
 */
export async function ask(question: string, unasked: string, signal: AbortSignal): Promise<boolean> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY || !stderr.isTTY) throw new AiwError("USAGE", unasked);
  const asking = createInterface({ input: stdin, output: stderr });
  // In raw mode the terminal tells the reader of Ctrl-C, and not us.
  asking.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    const answer = await asking.question(`${question} [y/N] `, { signal }).catch(() => {
      if (signal.aborted) throw signal.reason;
      // Ctrl-D.
      return "";
    });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    asking.close();
  }
}
