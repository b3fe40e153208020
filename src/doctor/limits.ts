import { posix } from "node:path";
import { plural } from "../core/plural.js";
import { type Check, verdicts } from "./check.js";

/** What the host has, what this process may use, and what its control groups allow. */
export interface MachineFacts {
  /** Cores of the host. */
  readonly hostCores: number;
  /** Cores that its affinity allows (os.availableParallelism). */
  readonly allowedCores: number;
  readonly hostMemoryBytes: number;
  readonly freeMemoryBytes: number;
  readonly limits: CgroupLimits;
}

export interface CgroupLimits {
  /** CPU time a second of time, in cores. */
  readonly cpuQuota: number | undefined;
  readonly memoryBytes: number | undefined;
}

/** A worker with a small model takes some 300 MB, the client 150 MB. */
const ENOUGH_MEMORY_BYTES = 1e9;
const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;

export function checkCores({ hostCores, allowedCores, limits }: MachineFacts): Check {
  const { ok, warning } = verdicts("cores", "cores");
  const { cpuQuota } = limits;
  const cores = `${plural(allowedCores, "core")}${allowedCores < hostCores ? ` of ${hostCores} (affinity)` : ""}`;
  if (cpuQuota === undefined || cpuQuota >= allowedCores) return ok(cores);
  const detail = `${cores}, held to ${Number(cpuQuota.toFixed(2))} by a CPU quota`;
  if (cpuQuota >= 1) return ok(detail);
  return warning(detail, "Give this container a whole core or more (docker run --cpus 2).");
}

export function checkMemory({ hostMemoryBytes, freeMemoryBytes, limits }: MachineFacts): Check {
  const { ok, warning } = verdicts("memory", "memory");
  const limit = limits.memoryBytes ?? hostMemoryBytes;
  const isLimited = limit < hostMemoryBytes;
  const free = Math.min(freeMemoryBytes, limit);
  const detail = `${gigabytes(free)} free of ${gigabytes(hostMemoryBytes)}${isLimited ? `, held to ${gigabytes(limit)} by a limit` : ""}`;
  if (free >= ENOUGH_MEMORY_BYTES) return ok(detail);
  const advice =
    isLimited && limit < ENOUGH_MEMORY_BYTES
      ? "Give this container 1 GB or more (docker run --memory 2g)."
      : "Close what is not needed: worker and client take some 500 MB together.";
  return warning(detail, advice);
}

/** Text of a file, undefined where it cannot be read. */
export type ReadText = (path: string) => Promise<string | undefined>;

/**
 * The least limits of this process' control groups, of version 1 and 2. A limit holds for all below it,
 * and inside a container the path may be the host's with only the root to be seen, so each folder up to
 * the root is looked at.
 */
export async function cgroupLimits(readText: ReadText, root = "/sys/fs/cgroup"): Promise<CgroupLimits> {
  const quotas: number[] = [];
  const memories: number[] = [];
  for (const line of ((await readText("/proc/self/cgroup")) ?? "").split("\n")) {
    const [, names = "", path = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === "") continue;
    const controllers = names.split(",");
    const isV2 = names === "";
    const bases = isV2
      ? [root, `${root}/unified`]
      : [`${root}/${names}`, ...controllers.map((c) => `${root}/${c}`)];
    for (const folder of bases.flatMap((base) => upward(base, path))) {
      if (isV2 || controllers.includes("cpu")) push(quotas, await cpuQuota(readText, folder, isV2));
      if (isV2 || controllers.includes("memory")) push(memories, await memoryLimit(readText, folder, isV2));
    }
  }
  return { cpuQuota: least(quotas), memoryBytes: least(memories) };
}

function push(list: number[], value: number | undefined): void {
  if (value !== undefined && Number.isFinite(value) && value > 0) list.push(value);
}

const least = (values: readonly number[]) => (values.length === 0 ? undefined : Math.min(...values));

/** A folder below `base`, and those above it down to `base` itself. */
function upward(base: string, path: string): string[] {
  const folders: string[] = [];
  // A container's view may name what lies outside of it ("/../../x").
  for (let at = posix.join("/", path); ; at = posix.dirname(at)) {
    folders.push(at === "/" ? base : posix.join(base, at));
    if (at === "/") return folders;
  }
}

async function cpuQuota(readText: ReadText, folder: string, isV2: boolean): Promise<number | undefined> {
  if (isV2) {
    const [quota, period] = ((await readText(`${folder}/cpu.max`)) ?? "").trim().split(" ");
    return Number(quota) / Number(period);
  }
  const quota = Number(await readText(`${folder}/cpu.cfs_quota_us`));
  return quota / Number(await readText(`${folder}/cpu.cfs_period_us`));
}

async function memoryLimit(readText: ReadText, folder: string, isV2: boolean): Promise<number | undefined> {
  const bytes = Number(await readText(`${folder}/${isV2 ? "memory.max" : "memory.limit_in_bytes"}`));
  // Version 1 has no word for "none" but the largest number of pages.
  return bytes < 2 ** 60 ? bytes : undefined;
}
