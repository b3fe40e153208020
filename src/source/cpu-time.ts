import { readFileSync, readlinkSync } from "node:fs";

/** Linux counts a process' time in ticks of this length for every program, whatever the kernel uses inside. */
const TICK_US = 10_000;

/** CPU time (user and system) of a running process in microseconds; null where that cannot be known. */
export function processCpuUs(pid: number): number | null {
  if (process.platform !== "linux") return null;
  try {
    return parseProcStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return null;
  }
}

/**
 * CPU time of a thread of this process in microseconds; null where that cannot be known.
 * @param task its folder, see taskOfThread
 */
export function threadCpuUs(task: string): number | null {
  try {
    // Nanoseconds on a core, nanoseconds waiting for one, time slices (kernel, sched-stats).
    const [onCoreNs = ""] = readFileSync(`${task}/schedstat`, "latin1").split(" ");
    return /^\d+$/.test(onCoreNs) ? Math.round(Number(onCoreNs) / 1000) : null;
  } catch {
    return null;
  }
}

/** The folder of the thread that calls this, fit for all threads of this process; undefined but on Linux. */
export function taskOfThread(): string | undefined {
  try {
    const [, id = ""] = /\/task\/(\d+)$/.exec(readlinkSync("/proc/thread-self")) ?? [];
    return id === "" ? undefined : `/proc/self/task/${id}`;
  } catch {
    return undefined;
  }
}

/** utime + stime of a line of /proc/PID/stat, microseconds (proc(5), fields 14 and 15). */
export function parseProcStat(line: string): number | null {
  // The program's name is in parentheses and may hold any character, so fields count from the last ")".
  const fields = line
    .slice(line.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const [user, system] = [fields[11], fields[12]];
  if (user === undefined || system === undefined || Number.isNaN(user + system)) return null;
  return (user + system) * TICK_US;
}
