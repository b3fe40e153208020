import { homedir } from "node:os";
import { posix, win32 } from "node:path";

/** An environment as `process.env` is one; only cli/ reads the real one. */
export type Env = Readonly<Record<string, string | undefined>>;

/**
 * The folder for what aiw makes and can make again (the Python environment): AIW_CACHE, else the
 * platform's own place for caches. An empty variable counts as unset.
 */
export function cacheDir(
  env: Env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  if (env.AIW_CACHE) return env.AIW_CACHE;
  if (platform === "win32") {
    return win32.join(env.LOCALAPPDATA || win32.join(home, "AppData", "Local"), "aiw", "Cache");
  }
  // The XDG specification has a relative path ignored.
  const xdg = env.XDG_CACHE_HOME;
  if (xdg && posix.isAbsolute(xdg)) return posix.join(xdg, "aiw");
  if (platform === "darwin") return posix.join(home, "Library", "Caches", "aiw");
  return posix.join(home, ".cache", "aiw");
}
