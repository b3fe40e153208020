import { readFileSync } from "node:fs";
import type { PythonFacts } from "./python-probe.js";

function readOsRelease(): string {
  try {
    return readFileSync("/etc/os-release", "utf8");
  } catch {
    return "";
  }
}

/**
 * How to get the venv and ensurepip modules for an interpreter, by the kind of Linux: only Debian and
 * its kin split them off, so the others' packages matter only where an image was stripped.
 * @param osRelease the text of /etc/os-release
 */
export function venvPackage(
  { version: [major, minor] }: Pick<PythonFacts, "version">,
  osRelease: string = readOsRelease(),
): string {
  const ids = [...osRelease.matchAll(/^ID(?:_LIKE)?=["']?([^"'\n]*)/gm)].flatMap(
    (m) => m[1]?.split(" ") ?? [],
  );
  const is = (...names: string[]) => names.some((name) => ids.includes(name));
  if (is("debian", "ubuntu")) return `apt install python${major}.${minor}-venv`;
  if (is("fedora", "rhel", "centos")) return `dnf install python${major}-libs python${major}-pip`;
  if (is("alpine")) return `apk add python${major} py${major}-pip`;
  if (is("suse", "opensuse")) return `zypper install python${major}${minor}-base python${major}${minor}-pip`;
  if (is("arch")) return "pacman -S python";
  return `install the package that holds the modules venv and ensurepip of Python ${major}.${minor}`;
}
