import { AiwError } from "../core/errors.js";
import { createProgress, type Progress } from "./progress.js";

/** What every command is given. */
export interface CommandContext {
  readonly env: NodeJS.ProcessEnv;
  readonly debug: boolean;
  readonly progress: Progress;
  /** Aborts at Ctrl-C or SIGTERM: finish what is in hand, then end. */
  readonly interrupt: AbortSignal;
  /** From now on a SIGHUP asks for this, and ends nothing. */
  onHangUp(listener: () => void): void;
}

/** Exit codes of a process that a signal ended: 128 + the signal's number. */
const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Why a run was interrupted; the abort reason of CommandContext.interrupt. */
export class Interruption extends AiwError {
  constructor(readonly signalName: keyof typeof SIGNAL_EXIT) {
    super("INTERRUPTED", `interrupted by ${signalName}`);
  }

  override get exitCode(): number {
    return SIGNAL_EXIT[this.signalName];
  }
}

/** A signal that follows so soon is the same one once more: to us, and to our group (timeout, npx). */
const ECHO_MS = 200;

/** Runs a command with signals turned into an abort; a second Ctrl-C ends the process at once. */
export async function withContext(
  options: { debug: boolean; quiet: boolean },
  command: (context: CommandContext) => Promise<number>,
): Promise<number> {
  const { env } = process;
  const controller = new AbortController();
  const progress = await createProgress(env, options.quiet);
  let interruptedAtMs = 0;
  let hungUp: (() => void) | undefined;
  const onSignal = (name: NodeJS.Signals) => {
    if (name === "SIGHUP" && hungUp !== undefined) return hungUp();
    const interruption = new Interruption(name as keyof typeof SIGNAL_EXIT);
    if (controller.signal.aborted) {
      if (performance.now() - interruptedAtMs < ECHO_MS) return;
      progress.clear();
      process.exit(interruption.exitCode);
    }
    interruptedAtMs = performance.now();
    controller.abort(interruption);
  };
  const names = Object.keys(SIGNAL_EXIT) as NodeJS.Signals[];
  for (const name of names) process.on(name, onSignal);
  try {
    const onHangUp = (listener: () => void) => {
      hungUp = listener;
    };
    return await command({ env, debug: options.debug, progress, interrupt: controller.signal, onHangUp });
  } finally {
    progress.clear();
    for (const name of names) process.off(name, onSignal);
  }
}
