import { isSecretName, maskCredentials } from "../core/mask.js";
import type { CloseReason } from "../results/agent-event.js";

export interface HookStart {
  readonly sessionId: string;
  readonly camera: string;
  /** Of the session's files; null where none are written. */
  readonly dir: string | null;
  /** Wall clock, milliseconds. */
  readonly startWallMs: number;
}

export interface HookStop extends HookStart {
  readonly endWallMs: number;
  readonly reason: CloseReason;
}

/** A hook's environment at the start of a session: ours, and what it needs to know. */
export function startEnvironment(env: NodeJS.ProcessEnv, session: HookStart): NodeJS.ProcessEnv {
  return { ...withoutSecrets(env), ...variablesOf(session), AIW_EVENT: "start" };
}

export function stopEnvironment(env: NodeJS.ProcessEnv, session: HookStop): NodeJS.ProcessEnv {
  const { endWallMs, reason } = session;
  const ended = { AIW_EVENT: "stop", AIW_END: new Date(endWallMs).toISOString(), AIW_REASON: reason };
  return { ...withoutSecrets(env), ...variablesOf(session), ...ended };
}

function variablesOf({ sessionId, camera, dir, startWallMs }: HookStart): NodeJS.ProcessEnv {
  return {
    AIW_SESSION: sessionId,
    AIW_CAMERA: camera,
    AIW_START: new Date(startWallMs).toISOString(),
    ...(dir === null ? {} : { AIW_SESSION_DIR: dir }),
  };
}

/**
 * The environment without our own passwords and tokens, and without what a hook's own variables are called. Those of
 * others are what a hook may need to reach where it records to.
 */
function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = /^AIW?_/i;
  const isOurs = /^AIW_(?:EVENT|SESSION|CAMERA|SESSION_DIR|START|END|REASON)$/;
  const entries = Object.entries(env).filter(([name, value = ""]) => {
    const isSecret = own.test(name) && (isSecretName(name) || maskCredentials(value) !== value);
    return !isSecret && !isOurs.test(name);
  });
  return Object.fromEntries(entries);
}
