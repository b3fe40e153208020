import type { WatchPorts } from "../agent/ports.js";
import type { RecoveredSession } from "../sinks/sessions/recovery.js";

/**
 * Tells of the end of sessions whose agent was killed, as that would have: whoever heard them open waits for it, and a
 * recorder still records. To be called before any camera is watched, so that no new session opens before the former
 * is closed, and metrics of this agent do not count what an agent before it has opened.
 * @param onTold of a camera, after each of its sessions
 */
export function tellRecovered(
  sessions: readonly RecoveredSession[],
  { clock, bus, recorder }: Pick<WatchPorts, "clock" | "bus" | "recorder">,
  onTold: (camera: string) => void,
): void {
  const reason = "recovered";
  for (const { sessionId, camera, modelId, startWallMs, endWallMs, results, byClass } of sessions) {
    recorder("stop", { id: sessionId, camera, modelId, startWallMs, endWallMs, reason });
    // Its open.json came to harm: an output would make it a camera without a name.
    if (camera === "") continue;
    bus.publish("session.close", {
      ...{ camera, wallMs: clock.wallMs(), session: sessionId },
      ...{ startWallMs, reason, results, byClass },
    });
    onTold(camera);
  }
}
