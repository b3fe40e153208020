import { type PythonFacts, versionText } from "./python-probe.js";

export const OLDEST_MINOR = 10;

/**
 * The newest Python 3 minor version that the lock has wheels for; a later one is used only when there is
 * no other. onnxruntime stopped building for Intel Macs before it began building for 3.14.
 */
export function newestMinor(platform: NodeJS.Platform, arch: string): number {
  return platform === "darwin" && arch === "x64" ? 13 : 14;
}

/** Whether it is at least Python 3.10. */
export function isNewEnough({ version: [major, minor] }: PythonFacts): boolean {
  return major > 3 || (major === 3 && minor >= OLDEST_MINOR);
}

/** Why the worker's packages cannot be installed for this interpreter, or undefined where they can. */
export function unfitness(facts: PythonFacts): string | undefined {
  if (!isNewEnough(facts)) return versionText(facts);
  if (facts.implementation !== "cpython") return `${facts.implementation} ${versionText(facts)}`;
  if (facts.bits !== 64) return `${versionText(facts)} of ${facts.bits} bits`;
  return undefined;
}
