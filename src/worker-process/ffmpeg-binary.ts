import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { AiwError } from "../core/errors.js";
import type { Env } from "./cache-dir.js";
import { findOnPath, isExecutableFile } from "./find-on-path.js";
import { runCommand } from "./run-command.js";

/** A binary on a cold disk, or a hanging shim. */
const VERSION_TIMEOUT_MS = 15_000;

export interface FindFfmpegOptions {
  env: Env;
  /** Folder of the Python environment whose imageio-ffmpeg may have one. */
  pythonEnvDir?: string | undefined;
  /** An interpreter in such an environment, where its folder is not known. */
  python?: string | undefined;
}

/**
 * The ffmpeg to use: the one that AIW_FFMPEG names (a path, or a name on PATH), else the first on PATH,
 * else the one that the package imageio-ffmpeg brought into the Python environment. No process is run.
 * @throws AiwError FFMPEG_MISSING
 */
export async function findFfmpeg({ env, pythonEnvDir, python }: FindFfmpegOptions): Promise<string> {
  const given = env.AIW_FFMPEG;
  if (given) {
    const path = /[\\/]/.test(given) ? given : findOnPath(given, env);
    if (path !== undefined && isExecutableFile(path)) return path;
    throw new AiwError("FFMPEG_MISSING", `AIW_FFMPEG=${given}: there is no such executable file`);
  }
  const onPath = findOnPath("ffmpeg", env);
  if (onPath !== undefined) return onPath;
  const envDir = pythonEnvDir ?? (python === undefined ? undefined : dirname(dirname(python)));
  const packaged = envDir === undefined ? undefined : findPackaged(envDir);
  if (packaged !== undefined) return packaged;
  const places = envDir === undefined ? "PATH" : `PATH and in ${envDir}`;
  throw new AiwError("FFMPEG_MISSING", `no ffmpeg: looked on ${places}`);
}

/** What an ffmpeg says of itself: all of it, and its version ("7.0.2-static") or why it tells none. */
export type FfmpegAnswer = { readonly text: string } & (
  { readonly version: string } | { readonly failure: string }
);

/** Asks an ffmpeg for its version. @throws AiwError INTERRUPTED */
export async function askFfmpeg(path: string, env: Env, signal?: AbortSignal): Promise<FfmpegAnswer> {
  const result = await runCommand(path, ["-version"], { env, signal, timeoutMs: VERSION_TIMEOUT_MS });
  const version = /^ffmpeg version (\S+)/m.exec(result.stdout)?.[1];
  if (version !== undefined) return { version, text: result.stdout };
  const failure = result.failure ?? result.lines.at(-1) ?? `exit code ${result.code}`;
  return { failure, text: result.lines.join("\n") };
}

/** imageio_ffmpeg/binaries/ffmpeg-linux-x86_64-v7.0.2 or the like, in an environment's site-packages. */
function findPackaged(envDir: string): string | undefined {
  const sitePackages = [
    join(envDir, "Lib", "site-packages"),
    ...list(join(envDir, "lib"))
      .filter((name) => name.startsWith("python3"))
      .map((name) => join(envDir, "lib", name, "site-packages")),
  ];
  return sitePackages
    .map((folder) => join(folder, "imageio_ffmpeg", "binaries"))
    .flatMap((folder) =>
      list(folder)
        .filter((name) => name.startsWith("ffmpeg-"))
        .map((name) => join(folder, name)),
    )
    .find(isExecutableFile);
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
