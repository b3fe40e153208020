import { lstat, open } from "node:fs/promises";
import { systemCode } from "../../core/errors.js";

/** A session.json has some thousand bytes; what is far longer is none. */
const LONGEST_JSON = 1024 * 1024;

/** What a file of JSON holds, or what is wrong with it, for people. Links are not followed. */
export async function readJson(
  path: string,
): Promise<{ readonly value: unknown } | { readonly problem: string; readonly error?: Error }> {
  try {
    if (!(await lstat(path)).isFile()) return { problem: "is no file" };
    const handle = await open(path, "r");
    try {
      const { size } = await handle.stat();
      if (size > LONGEST_JSON) return { problem: `has ${size} bytes` };
      return { value: JSON.parse(await handle.readFile("utf8")) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) return { problem: "is no JSON" };
    return { problem: `can't be read (${code})`, error: error as Error };
  }
}
