import type { RecorderHook as HookOfWatch } from "../agent/ports.js";
import type { Settings } from "../config/settings.js";
import { systemClock } from "../core/clock.js";
import type { Logger } from "../core/logger.js";
import type { ClientMetrics } from "../sinks/metrics/client-metrics.js";
import { hookCommand, RecorderHook } from "../sinks/recorder-hook.js";
import type { SessionStore } from "../sinks/sessions/store.js";

/** What runs a recorder elsewhere, where the settings name one. */
export interface Recorder {
  readonly hook: HookOfWatch;
  /** Takes longer than the signal says where a hook is at work: see RecorderHook. */
  close(giveUp: AbortSignal): Promise<void>;
}

/** @throws USAGE for a command line that is none */
export function checkRecorder({ recorder: command }: Settings): void {
  if (command !== undefined) hookCommand(command);
}

/** @throws as checkRecorder */
export function openRecorder(
  { recorder: command }: Settings,
  store: SessionStore,
  env: NodeJS.ProcessEnv,
  log: Logger,
  metrics?: ClientMetrics,
): Recorder {
  if (command === undefined) return { hook: () => {}, close: () => Promise.resolve() };
  const options = {
    clock: systemClock,
    env,
    onLine: (line: string, session: string) => log.info(`recorder: ${line}`, { session }),
    onNote: (text: string) => log.warn(text),
  };
  const hook = new RecorderHook(command, options);
  metrics?.countRecorder(() => hook.counts());
  return {
    hook(action, { id: sessionId, camera, startWallMs, endWallMs, reason }) {
      const start = { sessionId, camera, dir: store.folderOf(sessionId), startWallMs };
      const ready = store.written(sessionId);
      if (action === "start") hook.start(start, ready);
      else if (endWallMs !== undefined && reason !== undefined)
        hook.stop({ ...start, endWallMs, reason }, ready);
    },
    close: (giveUp) => hook.close(giveUp),
  };
}
