import type { SizedSession } from "../sinks/sessions/prune.js";
import { byteSize, utcTime } from "./sizes.js";

/** Sessions that go, as lines that stand below each other: whole ids, for whoever wants to look first. */
export function pruneTable(sessions: readonly SizedSession[]): string {
  return sessions
    .map(({ id, endMs, bytes }) => `${id}  ended ${utcTime(endMs)} UTC  ${byteSize(bytes).padStart(9)}`)
    .join("\n");
}
