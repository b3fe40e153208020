import type { WorkerUsage } from "../results/stages.js";
import type { Resources } from "./report-schema.js";

/** What this process and what it started for the source have used. */
export interface ClientUsage {
  /** Without what the source used of it. */
  readonly cpuUs: number;
  readonly rssBytes: number;
  /** CPU time of the source's own subprocess or thread; null where it cannot be known. */
  readonly sourceCpuUs: number | null;
}

/**
 * What a run has used.
 * @param worker as the first and the last of its results had it, and the results after the first;
 *   undefined from a worker that does not report it
 * @param offered frames, which the client's time is divided by
 */
export function resourcesOf(
  { before, after }: { readonly before: ClientUsage; readonly after: ClientUsage },
  worker: { readonly first: WorkerUsage; readonly last: WorkerUsage; readonly frames: number } | undefined,
  offered: number,
): Resources {
  const perFrame = (us: number, frames: number) => Math.round(us / Math.max(1, frames)) / 1000;
  const sourceUs =
    before.sourceCpuUs === null || after.sourceCpuUs === null ? null : after.sourceCpuUs - before.sourceCpuUs;
  return {
    client_rss_mb: megabytes(after.rssBytes),
    worker_rss_mb: worker === undefined ? null : megabytes(worker.last.rssBytes),
    client_cpu_ms_per_frame: perFrame(after.cpuUs - before.cpuUs, offered),
    worker_cpu_ms_per_frame:
      worker === undefined || worker.frames === 0
        ? null
        : perFrame(worker.last.cpuUs - worker.first.cpuUs, worker.frames),
    source_cpu_ms_per_frame: sourceUs === null ? null : perFrame(sourceUs, offered),
  };
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e5) / 10;
}
