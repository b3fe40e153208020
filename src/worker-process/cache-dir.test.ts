import { expect, test } from "vitest";
import { cacheDir } from "./cache-dir.js";

test.each([
  [{ AIW_CACHE: "/c", XDG_CACHE_HOME: "/x" }, "linux", "/c"],
  [{ AIW_CACHE: "", XDG_CACHE_HOME: "/x" }, "linux", "/x/aiw"],
  [{ XDG_CACHE_HOME: "relative" }, "linux", "/home/me/.cache/aiw"],
  [{}, "linux", "/home/me/.cache/aiw"],
  [{}, "darwin", "/home/me/Library/Caches/aiw"],
  [{ XDG_CACHE_HOME: "/x" }, "darwin", "/x/aiw"],
  [{ LOCALAPPDATA: "C:\\Local" }, "win32", "C:\\Local\\aiw\\Cache"],
  [{ AIW_CACHE: "D:\\c" }, "win32", "D:\\c"],
] as const)("%j on %s", (env, platform, expected) => {
  expect(cacheDir(env, platform, "/home/me")).toBe(expected);
});
