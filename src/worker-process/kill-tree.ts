import type { ChildProcess } from "node:child_process";

/** Sends `signal` to the group of a child that was spawned as the leader of one; nothing if it is gone. */
export function killTree(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === "win32") child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // ESRCH: it has ended by itself.
  }
}
