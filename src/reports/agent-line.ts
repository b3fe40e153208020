import type { WatchState } from "../results/agent-event.js";
import { fit } from "./columns.js";

/** A camera that is watched, as of now. */
export interface CameraNow {
  readonly name: string;
  readonly state: WatchState;
  /** Results a second, lately. */
  readonly fps: number;
}

/** Those that have more to tell come first. */
const ORDER: readonly WatchState[] = ["active", "closing", "dwell", "idle"];

/** All cameras of an agent in one line of a terminal. @param columns that there are for it */
export function agentLine(cameras: readonly CameraNow[], columns: number): string {
  const sorted = [...cameras].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  const parts = sorted.map(({ name, state, fps }) => `${name} ${state} ${fps.toFixed(1)} fps`);
  return fit(parts.join(" · "), columns);
}
