import { describe, expect, it } from "vitest";
import { checkCpu, cpuFeatures, parseCpuinfo } from "./cpu.js";
import { cgroupLimits, checkCores, checkMemory } from "./limits.js";

const X86 =
  "processor\t: 0\nflags\t\t: fpu sse2 avx2 AVX512_VNNI amx_int8\n\nprocessor\t: 1\nflags\t\t: fpu\n";
const ARM = "processor\t: 0\nFeatures\t: fp asimd asimddp i8mm\n";

describe("CPU", () => {
  it.each([
    ["x64", X86, "ok", "X; AVX2, VNNI, AMX"],
    ["x64", "flags\t: avx2 avx_vnni\n", "ok", "X; AVX2, VNNI; no AMX"],
    ["x64", "flags\t: avx2\n", "ok", "X; AVX2; no VNNI, no AMX, so int8 will be slower"],
    ["x64", "flags\t: sse2 avx\n", "warning", "X has no AVX2: inference takes several times as long"],
    ["arm64", ARM, "ok", "X; dot products, I8MM"],
    ["arm64", "Features : fp\n", "ok", "X; no dot products: int8 will be slower"],
    ["riscv64", "isa : rv64\n", "ok", "X; its features are not known on this system"],
  ])("%s %j", (arch, text, status, detail) => {
    expect(checkCpu({ arch, model: " X ", features: parseCpuinfo(text) })).toMatchObject({ status, detail });
  });

  const asked: string[] = [];
  const sources = (platform: NodeJS.Platform, intel = "", arm = "") => ({
    platform,
    readText: async (path: string) => (path === "/proc/cpuinfo" ? X86 : undefined),
    output: async (...command: string[]) => {
      asked.push(command.join(" "));
      return command.includes("hw.optional.arm") ? arm : intel;
    },
  });

  it("is asked of /proc on Linux, of sysctl on macOS, of nobody elsewhere", async () => {
    expect([...((await cpuFeatures(sources("linux"))) ?? [])]).toContain("avx512_vnni");
    expect(asked).toEqual([]);
    expect(await cpuFeatures(sources("darwin", "FPU SSE4.2\nAVX2 BMI1\n"))).toContain("avx2");
    const arm = "hw.optional.arm.FEAT_DotProd: 1\nhw.optional.arm.FEAT_I8MM: 0\n";
    expect(await cpuFeatures(sources("darwin", "", arm))).toEqual(new Set(["feat_dotprod"]));
    expect(await cpuFeatures(sources("darwin"))).toBeUndefined();
    expect(await cpuFeatures(sources("win32", "AVX2"))).toBeUndefined();
  });
});

describe("control groups", () => {
  const limits = (files: Record<string, string>) => cgroupLimits(async (path) => files[path]);
  const none = { cpuQuota: undefined, memoryBytes: undefined };

  it.each([
    ["no control groups", {}, none],
    [
      "version 2, no limit",
      {
        "/proc/self/cgroup": "0::/\n",
        "/sys/fs/cgroup/cpu.max": "max 100000\n",
        "/sys/fs/cgroup/memory.max": "max\n",
      },
      none,
    ],
    [
      "version 2, limits in the group",
      {
        "/proc/self/cgroup": "0::/a/b\n",
        "/sys/fs/cgroup/a/b/cpu.max": "150000 100000\n",
        "/sys/fs/cgroup/a/b/memory.max": "2147483648\n",
      },
      { cpuQuota: 1.5, memoryBytes: 2 ** 31 },
    ],
    [
      "version 2, a tighter limit above",
      {
        "/proc/self/cgroup": "0::/a/b\n",
        "/sys/fs/cgroup/a/b/cpu.max": "400000 100000",
        "/sys/fs/cgroup/a/cpu.max": "50000 100000",
      },
      { cpuQuota: 0.5, memoryBytes: undefined },
    ],
    [
      "version 2 in a container that sees only the root, by the host's path",
      { "/proc/self/cgroup": "0::/../../docker/x\n", "/sys/fs/cgroup/cpu.max": "200000 100000" },
      { cpuQuota: 2, memoryBytes: undefined },
    ],
    [
      "version 1",
      {
        "/proc/self/cgroup": "4:memory:/docker/x\n2:cpu,cpuacct:/docker/x\n0::/\n",
        "/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us": "-1\n",
        "/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us": "100000\n",
        "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "250000\n",
        "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n",
        "/sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": "9223372036854771712\n",
      },
      { cpuQuota: 2.5, memoryBytes: 2 ** 29 },
    ],
    [
      "garbage",
      { "/proc/self/cgroup": "0::/\nx\n", "/sys/fs/cgroup/cpu.max": "a b", "/sys/fs/cgroup/memory.max": "" },
      none,
    ],
  ])("%s", async (_, files, expected) => {
    expect(await limits(files as Record<string, string>)).toEqual(expected);
  });
});

describe("cores and memory", () => {
  const facts = {
    hostCores: 8,
    allowedCores: 8,
    hostMemoryBytes: 16e9,
    freeMemoryBytes: 8e9,
    limits: { cpuQuota: undefined, memoryBytes: undefined },
  };

  it("are what the host has where nothing holds them", () => {
    expect(checkCores(facts)).toMatchObject({ status: "ok", detail: "8 cores" });
    expect(checkMemory(facts)).toMatchObject({ status: "ok", detail: "8.0 GB free of 16.0 GB" });
  });

  it("say affinity, quota and limit", () => {
    const limits = { cpuQuota: 1.5, memoryBytes: 2e9 };
    expect(checkCores({ ...facts, allowedCores: 2, limits })).toMatchObject({
      status: "ok",
      detail: "2 cores of 8 (affinity), held to 1.5 by a CPU quota",
    });
    expect(checkMemory({ ...facts, limits })).toMatchObject({
      status: "ok",
      detail: "2.0 GB free of 16.0 GB, held to 2.0 GB by a limit",
    });
  });

  it("warn of less than a core, and of less than a gigabyte", () => {
    const limits = { cpuQuota: 0.5, memoryBytes: 5e8 };
    expect(checkCores({ ...facts, limits })).toMatchObject({
      status: "warning",
      advice: expect.stringContaining("--cpus"),
    });
    expect(checkMemory({ ...facts, limits })).toMatchObject({
      status: "warning",
      advice: expect.stringContaining("--memory"),
    });
    expect(checkMemory({ ...facts, freeMemoryBytes: 4e8 })).toMatchObject({
      status: "warning",
      advice: expect.stringContaining("Close"),
    });
  });
});
