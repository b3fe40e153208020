import type { Ora } from "ora";

/** What is going on, for people. */
export interface Progress {
  /** Whether steps are seen at all: on a terminal only. */
  readonly isLive: boolean;
  /** Names the step that runs now; the line is replaced by the next one. */
  step(text: string): void;
  /** Replaces that line by one that does not move: a spinner takes CPU time of what runs beside it. */
  show(line: string): void;
  /** A line that stays. */
  note(text: string): void;
  /** Takes the line away. */
  clear(): void;
}

/** Erases what stands behind the cursor in its line (ECMA-48 EL). */
const ERASE = "\u001b[K";

/**
 * A spinner where stderr is a terminal; elsewhere only what stays is written, as plain lines.
 * @param quiet nothing is written at all
 */
export async function createProgress(env: NodeJS.ProcessEnv, quiet: boolean): Promise<Progress> {
  if (quiet) return { isLive: false, step: () => {}, show: () => {}, note: () => {}, clear: () => {} };
  const plain = (text: string) => process.stderr.write(`${text}\n`);
  const { stderr } = process;
  // A terminal that tells no width (0 columns) would have a spinner clear infinitely many lines.
  const canSpin = stderr.isTTY && stderr.columns > 0 && !env.CI && !env.NO_COLOR;
  if (!canSpin) return { isLive: false, step: () => {}, show: () => {}, note: plain, clear: () => {} };
  const { default: ora } = await import("ora");
  let spinner: Ora | undefined;
  let shown: string | undefined;
  const clear = () => {
    spinner?.stop();
    spinner = undefined;
    if (shown !== undefined) stderr.write(`\r${ERASE}`);
    shown = undefined;
  };
  const step = (text: string) => {
    if (spinner === undefined) {
      clear();
      // Not discarding stdin: it may carry frames, and Ctrl-C is ours to handle.
      spinner = ora({ text, stream: process.stderr, discardStdin: false }).start();
    } else spinner.text = text;
  };
  const show = (line: string) => {
    if (shown === undefined) clear();
    shown = line;
    stderr.write(`\r${line}${ERASE}`);
  };
  const note = (text: string) => {
    const [stepNow, shownNow] = [spinner?.text, shown];
    clear();
    plain(text);
    if (stepNow !== undefined) step(stepNow);
    if (shownNow !== undefined) show(shownNow);
  };
  return { isLive: true, step, show, note, clear };
}
