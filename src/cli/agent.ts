import { findConfigFile } from "../config/config-file.js";
import type { Settings } from "../config/settings.js";
import { ExitCode } from "../core/errors.js";
import { createLogger } from "../core/logger.js";
import { loggedProgress } from "./agent-log.js";
import { writesToStdout } from "./agent-outputs.js";
import { AgentService } from "./agent-service.js";
import { linesTo, showStatus } from "./agent-status.js";
import type { CommandContext } from "./command-context.js";
import type { Flag, ParsedFlags } from "./flags.js";
import { commandSettings } from "./settings.js";

/** How long what is under way has once the agent is to end, milliseconds; a recorder hook that is at work has longer. */
const DRAIN_MS = 1_200;
/** Where that is over, how long the log has for what was said of it, milliseconds. */
const LAST_WORDS_MS = 300;

/** `aiw agent`: watches cameras until it is told to end, or all of them have. */
export async function execute(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  context: CommandContext,
): Promise<number> {
  // The same file each time: one that is taken away is no reason to take another, or none.
  const found = await findConfigFile(parsed.config as string | undefined, process.cwd());
  const given = found === undefined ? parsed : { ...parsed, config: found.path };
  const load = (): Promise<Settings> => commandSettings(flags, given, context.env, { more: ["cameras"] });
  const settings = await load();
  const { progress } = context;
  const log = createLogger({
    format: settings.log_format ?? "pretty",
    quiet: settings.quiet === true,
    debug: context.debug,
    // Above the line that moves.
    ...(progress.isLive ? { stream: linesTo((line) => progress.note(line)) } : {}),
  });
  const simulate = parsed.simulate === undefined ? undefined : String(parsed.simulate);
  // One that comes before the agent is there is not lost, and ends nothing.
  let isHungUp = false;
  let onHangUp = () => void (isHungUp = true);
  context.onHangUp(() => onHangUp());
  const logged = { ...context, progress: loggedProgress(progress, log) };
  const service = await AgentService.open(settings, simulate, logged, log);
  onHangUp = () => void service.reload(load);
  if (isHungUp) onHangUp();
  const stop = () => void service.stop();
  context.interrupt.addEventListener("abort", stop);
  if (context.interrupt.aborted) stop();
  // Events on the same terminal would begin behind it.
  const isShared = process.stdout.isTTY && writesToStdout(settings);
  const endStatus = isShared ? () => {} : showStatus(progress, () => service.lanes);
  try {
    // Who ends it hears of that, whatever had ended before.
    await service.finished().finally(() => context.interrupt.throwIfAborted());
    return ExitCode.ok;
  } finally {
    context.interrupt.removeEventListener("abort", stop);
    endStatus();
    const giveUp = AbortSignal.timeout(DRAIN_MS);
    const isWritten = await service.close(giveUp);
    if (!isWritten) log.error("session files were not all written in time: the disk hangs");
    await log.flush(giveUp.aborted ? AbortSignal.timeout(LAST_WORDS_MS) : giveUp);
    // Node would wait for its thread that stands in a system call.
    if (!isWritten) process.kill(process.pid, "SIGKILL");
  }
}
