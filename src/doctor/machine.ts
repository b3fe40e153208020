import { availableParallelism, cpus, freemem, totalmem } from "node:os";
import { type Check } from "./check.js";
import { checkCpu, type CpuSources, cpuFeatures } from "./cpu.js";
import { cgroupLimits, checkCores, checkMemory } from "./limits.js";

/** The processor, its cores and the memory: of the machine, and what this process may have of them. */
export async function checkMachine(sources: CpuSources): Promise<Check[]> {
  const facts = {
    hostCores: cpus().length,
    allowedCores: availableParallelism(),
    hostMemoryBytes: totalmem(),
    freeMemoryBytes: freemem(),
    limits: await cgroupLimits(sources.readText),
  };
  const features = await cpuFeatures(sources);
  return [
    checkCpu({ arch: process.arch, model: cpus()[0]?.model ?? "", features }),
    checkCores(facts),
    checkMemory(facts),
  ];
}
