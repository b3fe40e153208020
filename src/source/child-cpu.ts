import { readFileSync } from "node:fs";

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
