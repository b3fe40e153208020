import { readFileSync } from "node:fs";

export interface WorkerResources {
  /** Resident memory, bytes. */
  rssBytes: number;
  /** Processor time of all its threads since it started, user and system, microseconds (10 ms steps). */
  cpuUs: number;
}

/** Linux counts /proc/PID/stat's times in these, on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** What a process uses, from /proc; null on other systems, and when it has ended. */
export function workerResources(pid: number): WorkerResources | null {
  try {
    return parseResources(
      readFileSync(`/proc/${pid}/status`, "utf8"),
      readFileSync(`/proc/${pid}/stat`, "utf8"),
    );
  } catch {
    return null;
  }
}

/** @param status the text of /proc/PID/status; @param stat that of /proc/PID/stat; see proc(5) */
export function parseResources(status: string, stat: string): WorkerResources | null {
  const rssKib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  // The second field, the program's name in brackets, may itself hold blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  if (rssKib === undefined || !Number.isFinite(ticks)) return null;
  return { rssBytes: Number(rssKib) * 1024, cpuUs: ticks * (1_000_000 / TICKS_PER_SECOND) };
}
