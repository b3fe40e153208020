import { resolve } from "node:path";
import type { z } from "zod";
import * as v from "../config/values.js";
import { systemClock } from "../core/clock.js";
import { AiwError } from "../core/errors.js";
import { type SessionFilter, sessionIds } from "../sinks/sessions/stored-sessions.js";
import type { CommandContext } from "./command-context.js";
import type { Flag, ParsedFlags } from "./flags.js";
import { commandSettings } from "./settings.js";

/** Where sessions are kept unless told otherwise, in the working folder. */
export const DEFAULT_SESSIONS_DIR = "sessions";

export interface SessionsPlace {
  readonly dir: string;
  /** Of all sessions there, the newest first. */
  readonly ids: readonly string[];
}

/**
 * The folder of sessions, and what is in it. One that is not there yet has none, which is said.
 * @throws USAGE for a folder that was named and is not there; SESSIONS_UNREADABLE
 */
export async function sessionsPlace(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  { env, progress }: CommandContext,
): Promise<SessionsPlace> {
  const { sessions_dir: given = DEFAULT_SESSIONS_DIR } = await commandSettings(flags, parsed, env);
  const dir = resolve(given);
  const ids = await sessionIds(dir);
  if (ids === undefined && parsed.sessionsDir !== undefined) {
    throw new AiwError("USAGE", `--sessions-dir ${given} is not there`);
  }
  if (ids === undefined || ids.length === 0) {
    progress.note(`aiw: no sessions in ${given}${ids === undefined ? ", which is not there" : ""}`);
  }
  return { dir, ids: ids ?? [] };
}

/** What --camera, --since and --class leave. @throws USAGE */
export function sessionFilter(parsed: ParsedFlags): SessionFilter {
  const { camera, since, class: names } = parsed as Readonly<Record<string, string | undefined>>;
  const sinceMs = since === undefined ? undefined : v.moment(since.trim(), systemClock.wallMs());
  if (since !== undefined && sinceMs === undefined) {
    throw new AiwError("USAGE", `--since "${since}" is not a time such as "24h", "7d" or "2026-11-26"`);
  }
  return { camera, sinceMs, classNames: names === undefined ? undefined : v.list.parse(names) };
}

/** The value of a flag that is no setting. @throws USAGE */
export function flagOf<T>(
  parsed: ParsedFlags,
  name: string,
  flag: string,
  schema: z.ZodType<T>,
): T | undefined {
  const given = parsed[name];
  if (given === undefined) return undefined;
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw new AiwError(
    "USAGE",
    `${flag} "${String(given)}" ${result.error.issues[0]?.message ?? "is not valid"}`,
  );
}
