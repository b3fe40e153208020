import * as v from "../config/values.js";
import { systemClock } from "../core/clock.js";
import { AiwError, ExitCode, systemCode } from "../core/errors.js";
import { plural } from "../core/plural.js";
import { byteSize } from "../reports/sizes.js";
import { pruneTable } from "../reports/prune-table.js";
import {
  choosePruned,
  finishPruning,
  mayGo,
  type PruneLimits,
  removeSession,
  type SizedSession,
  sizeOf,
} from "../sinks/sessions/prune.js";
import { readSessions } from "../sinks/sessions/stored-sessions.js";
import { isReaderGone, StdoutWriter } from "../sinks/stdout.js";
import { ask } from "./ask.js";
import type { CommandContext } from "./command-context.js";
import type { Flag, ParsedFlags } from "./flags.js";
import { flagOf, type SessionsPlace, sessionsPlace } from "./sessions-place.js";

const AGE = v.withUnit(v.positiveDuration, "30d, 12h");
const SIZE = v.withUnit(v.bytes, "5GB, 500MB");

/**
 * `aiw sessions prune`: takes closed sessions away by age and size, the oldest first. What goes is listed on stdout.
 * @throws USAGE, also where there is nobody to ask; SESSIONS_UNREADABLE, SESSIONS_NOT_PRUNED, INTERRUPTED
 */
export async function execute(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  context: CommandContext,
): Promise<number> {
  const { interrupt, progress } = context;
  const limits = limitsOf(parsed);
  const place = await sessionsPlace(flags, parsed, context);
  const { sessions, keptBytes, left } = await survey(place, interrupt);
  for (const text of left) progress.note(`aiw: left alone: ${text}`);
  const chosen = choosePruned(sessions, keptBytes, limits);
  const bytes = chosen.reduce((sum, session) => sum + session.bytes, 0);
  const what = `${plural(chosen.length, "session")} of ${place.ids.length}, ${byteSize(bytes)}`;
  await print(pruneTable(chosen));
  if (parsed.dryRun === true) {
    progress.note(`aiw: would take away ${what}`);
    return ExitCode.ok;
  }
  if (chosen.length > 0 && parsed.yes !== true) {
    const unasked = `prune would take away ${what}, and asks before it does: with nobody to ask, add --yes (or --dry-run)`;
    if (!(await ask(`Take away ${what}?`, unasked, interrupt))) {
      progress.note("aiw: nothing was taken away");
      return ExitCode.ok;
    }
  }
  await remove(place.dir, chosen, context);
  return ExitCode.ok;
}

/** @throws USAGE */
function limitsOf(parsed: ParsedFlags): PruneLimits {
  const ageUs = flagOf(parsed, "olderThan", "--older-than", AGE);
  const maxBytes = flagOf(parsed, "maxSize", "--max-size", SIZE);
  if (ageUs === undefined && maxBytes === undefined) {
    throw new AiwError("USAGE", "say what is to go: --older-than 30d, --max-size 5GB, or both");
  }
  const endedBeforeMs = ageUs === undefined ? undefined : systemClock.wallMs() - ageUs / 1000;
  return { endedBeforeMs, maxBytes };
}

interface Survey {
  /** Those that may go. */
  readonly sessions: readonly SizedSession[];
  /** What the others take. */
  readonly keptBytes: number;
  /** What can't go, and why. */
  readonly left: readonly string[];
}

async function survey({ dir, ids }: SessionsPlace, interrupt: AbortSignal): Promise<Survey> {
  const sessions: SizedSession[] = [];
  const left: string[] = [];
  let keptBytes = 0;
  for await (const session of readSessions(dir, ids)) {
    interrupt.throwIfAborted();
    const { id, folder } = session;
    const bytes = await sizeOf(folder).catch((error: unknown) => `can't be read (${systemCode(error)})`);
    if (typeof bytes === "string") left.push(`${id} ${bytes}`);
    else if (mayGo(session)) sessions.push({ id, folder, bytes, endMs: session.endMs });
    else {
      keptBytes += bytes;
      if (session.problem !== null) left.push(`${id}: ${session.problem}`);
    }
  }
  return { sessions, keptBytes, left };
}

async function remove(dir: string, chosen: readonly SizedSession[], context: CommandContext): Promise<void> {
  const { interrupt, progress } = context;
  let [count, bytes] = [0, 0];
  let failure: string | undefined;
  for (const session of chosen) {
    if (interrupt.aborted) break;
    try {
      await removeSession(dir, session.id);
      count++;
      bytes += session.bytes;
    } catch (error) {
      failure ??= `${session.id} (${systemCode(error) ?? String(error)})`;
    }
  }
  // What was begun by one that was killed; where there is no folder so far there is nothing of that either.
  await finishPruning(dir).catch((error: unknown) => {
    if (systemCode(error) !== "ENOENT") failure ??= `${dir} (${systemCode(error)})`;
  });
  if (chosen.length > 0) progress.note(`aiw: took away ${plural(count, "session")}, ${byteSize(bytes)}`);
  if (interrupt.aborted) throw interrupt.reason;
  if (failure !== undefined)
    throw new AiwError("SESSIONS_NOT_PRUNED", `not all could be taken away: ${failure}`);
}

async function print(text: string): Promise<void> {
  if (text === "") return;
  const stdout = new StdoutWriter();
  try {
    stdout.write(`${text}\n`);
    await stdout.flush();
  } catch (error) {
    if (!isReaderGone(error)) throw error;
  }
}
