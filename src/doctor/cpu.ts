import { type Check, verdicts } from "./check.js";

/** What a processor says that it can do. */
export interface CpuFacts {
  /** process.arch */
  readonly arch: string;
  /** Its name, as os.cpus() has it; may be empty. */
  readonly model: string;
  /** Lower-case names of its features; undefined where they cannot be known. */
  readonly features: ReadonlySet<string> | undefined;
}

const { ok, warning } = verdicts("cpu", "CPU");

/** Features of inference: what makes fp32 quick (AVX2), and what makes int8 quick (VNNI, AMX; on ARM dot products). */
export function checkCpu({ arch, model, features }: CpuFacts): Check {
  const name = model.trim() || arch;
  if (features === undefined) return ok(`${name}; its features are not known on this system`);
  if (arch === "arm64") {
    const dot = has(features, ["asimddp", "feat_dotprod"]);
    const matrix = has(features, ["i8mm", "feat_i8mm"]);
    const found = [dot && "dot products", matrix && "I8MM"].filter((each) => each !== false);
    return ok(`${name}; ${found.length > 0 ? found.join(", ") : "no dot products: int8 will be slower"}`);
  }
  if (arch !== "x64") return ok(name);
  if (!features.has("avx2")) {
    return warning(
      `${name} has no AVX2: inference takes several times as long`,
      "Use a machine (or, in a virtual one, a CPU type such as 'host') with AVX2.",
    );
  }
  const vnni = has(features, ["avx512_vnni", "avx512vnni", "avx_vnni", "avxvnni"]);
  const amx = has(features, ["amx_int8", "amxint8", "amx-int8"]);
  const found = ["AVX2", vnni && "VNNI", amx && "AMX"].filter((each) => each !== false);
  const lacking = [!vnni && "VNNI", !amx && "AMX"].filter((each) => each !== false);
  const slower = vnni || amx ? "" : ", so int8 will be slower";
  return ok(
    `${name}; ${found.join(", ")}${lacking.length > 0 ? `; no ${lacking.join(", no ")}${slower}` : ""}`,
  );
}

function has(features: ReadonlySet<string>, names: readonly string[]): boolean {
  return names.some((name) => features.has(name));
}

export interface CpuSources {
  readonly platform: NodeJS.Platform;
  readonly readText: (path: string) => Promise<string | undefined>;
  /** What a command prints on stdout; "" where it fails. */
  readonly output: (command: string, ...args: string[]) => Promise<string>;
}

/** Linux tells in /proc/cpuinfo, macOS through sysctl; elsewhere nobody tells without native code. */
export async function cpuFeatures({
  platform,
  readText,
  output,
}: CpuSources): Promise<Set<string> | undefined> {
  if (platform === "linux") return parseCpuinfo((await readText("/proc/cpuinfo")) ?? "");
  if (platform !== "darwin") return undefined;
  const intel = await output("sysctl", "-n", "machdep.cpu.features", "machdep.cpu.leaf7_features");
  const arm = await output("sysctl", "hw.optional.arm");
  return parseSysctl(intel, arm);
}

/** The features of the first processor: "flags : …" of x86, "Features : …" of ARM. */
export function parseCpuinfo(text: string): Set<string> | undefined {
  const list = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1];
  return list === undefined ? undefined : new Set(list.toLowerCase().split(/\s+/));
}

/** @param intel words in capitals @param arm lines "hw.optional.arm.FEAT_DotProd: 1" */
export function parseSysctl(intel: string, arm: string): Set<string> | undefined {
  const armNames = [...arm.matchAll(/^hw\.optional\.arm\.(\w+): 1$/gm)].map(([, name = ""]) => name);
  const names = [...intel.split(/\s+/), ...armNames].filter((name) => name !== "");
  return names.length === 0 ? undefined : new Set(names.map((name) => name.toLowerCase()));
}
