import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AiwError, systemCode } from "../core/errors.js";
import { makeFolders } from "../core/make-folder.js";

/**
 * Where managed environments lie. Each lock file has a folder of its own:
 *
 *     CACHE/env/0123456789abcdef-linux-x64/        key of the lock file and platform
 *         ready.json                                names the finished environment; written last
 *         venv-8c1f02aa/                            the environment
 *     CACHE/env/0123456789abcdef-linux-x64.lock/   held while one is being made
 *
 * Every attempt builds in a folder of its own name, so that one that was stopped (or suspended until
 * its lock went stale) can never spoil what another has made.
 */
export interface EnvSlot {
  /** The folder of this lock file and platform. */
  dir: string;
  lockPath: string;
}

interface Marker {
  /** Name of the environment's folder inside the slot. */
  venv: string;
  /** What its interpreter's link led to when it was made. */
  base: string;
}

export interface ReadyEnv {
  /** The environment's interpreter. */
  python: string;
  /** The environment's folder. */
  dir: string;
}

const MARKER = "ready.json";

/** The slot of a lock file's text in a cache folder. */
export function envSlot(cacheDir: string, lockText: string): EnvSlot {
  const key = createHash("sha256").update(lockText).digest("hex").slice(0, 16);
  const dir = join(cacheDir, "env", `${key}-${process.platform}-${process.arch}`);
  return { dir, lockPath: `${dir}.lock` };
}

/** The interpreter of an environment. */
export function interpreterOf(venvDir: string): string {
  return process.platform === "win32"
    ? join(venvDir, "Scripts", "python.exe")
    : join(venvDir, "bin", "python");
}

/** The slot's finished environment, or undefined; a few file reads, no subprocess. */
export function readReady(slot: EnvSlot): ReadyEnv | undefined {
  try {
    const marker = readMarker(slot);
    if (marker === undefined) return undefined;
    const dir = join(slot.dir, marker.venv);
    const python = interpreterOf(dir);
    // A link that dangles throws. One that leads elsewhere now (python3 became another version) would
    // start an interpreter that does not look where the packages are.
    return baseOf(dir) === marker.base && existsSync(marker.base) ? { python, dir } : undefined;
  } catch {
    return undefined;
  }
}

/** What an environment stands on: the real interpreter; on Windows, where it is a copy, its home. */
function baseOf(venvDir: string): string {
  if (process.platform !== "win32") return realpathSync(interpreterOf(venvDir));
  const config = readFileSync(join(venvDir, "pyvenv.cfg"), "utf8");
  return /^home\s*=\s*(.+?)\s*$/m.exec(config)?.[1] ?? "";
}

/**
 * Makes the slot's folder, takes away what was left half made, and names a fresh folder to build in (not
 * yet made). An environment that the marker names stays until another takes its place.
 */
export async function prepareSlot(slot: EnvSlot): Promise<string> {
  await makeFolder(slot.dir);
  await clearSlot(slot);
  return join(slot.dir, `venv-${randomBytes(4).toString("hex")}`);
}

/** Empties a slot but for the environment that its marker names. */
async function clearSlot(slot: EnvSlot): Promise<void> {
  const kept = [MARKER, readMarker(slot)?.venv];
  for (const name of readdirSync(slot.dir)) {
    if (kept.includes(name)) continue;
    // What cannot be removed (an orphaned installer still writes there) is in nobody's way.
    await rm(join(slot.dir, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function readMarker(slot: EnvSlot): Marker | undefined {
  try {
    const marker = JSON.parse(readFileSync(join(slot.dir, MARKER), "utf8")) as Partial<Marker>;
    const { venv, base } = marker;
    return typeof venv === "string" && typeof base === "string" ? { venv, base } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Declares a built environment finished, at once and for good, and takes away the one before it.
 * @throws AiwError ENV_FAILED when it was removed meanwhile.
 */
export async function markReady(slot: EnvSlot, venvDir: string): Promise<ReadyEnv> {
  const marker: Marker = { venv: venvDir.slice(slot.dir.length + 1), base: "" };
  try {
    marker.base = baseOf(venvDir);
    if (!existsSync(join(venvDir, "pyvenv.cfg"))) throw new Error("pyvenv.cfg is missing");
    const temporary = `${venvDir}.json`;
    await writeFile(temporary, JSON.stringify(marker));
    await rename(temporary, join(slot.dir, MARKER));
  } catch (cause) {
    throw new AiwError("ENV_FAILED", `the Python environment ${venvDir} vanished while it was made`, {
      cause,
    });
  }
  await clearSlot(slot);
  return { python: interpreterOf(venvDir), dir: venvDir };
}

/** @throws AiwError CACHE_UNUSABLE naming the folder. */
export async function makeFolder(path: string): Promise<void> {
  try {
    makeFolders(path);
  } catch (cause) {
    throw new AiwError("CACHE_UNUSABLE", `cannot make the cache folder ${path} (${systemCode(cause)})`, {
      cause,
    });
  }
}
