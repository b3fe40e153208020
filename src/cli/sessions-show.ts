import { AiwError, ExitCode } from "../core/errors.js";
import { sessionCard } from "../reports/session-card.js";
import { sizeOf } from "../sinks/sessions/prune.js";
import { findSession, readSessions } from "../sinks/sessions/stored-sessions.js";
import { writeWhole } from "../sinks/whole-file.js";
import type { CommandContext } from "./command-context.js";
import type { Flag, ParsedFlags } from "./flags.js";
import { sessionsPlace } from "./sessions-place.js";

/** `aiw sessions show ID`: all that is known of a session, on stdout. @throws SESSION_NOT_FOUND, USAGE, SESSIONS_UNREADABLE */
export async function execute(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  context: CommandContext,
  [given = ""]: readonly string[],
): Promise<number> {
  const { dir, ids } = await sessionsPlace(flags, parsed, context);
  const id = findSession(ids, given);
  for await (const session of readSessions(dir, [id])) {
    const { state, problem, folder, record } = session;
    const more = { state, ...(problem === null ? {} : { problem }), folder };
    const text =
      parsed.json === true
        ? JSON.stringify({ ...record, ...more }, null, 2)
        : sessionCard(session, await sizeOf(folder));
    await writeWhole("-", `${text}\n`);
    return ExitCode.ok;
  }
  throw new AiwError("SESSION_NOT_FOUND", `session ${id} is empty, or was just taken away`);
}
