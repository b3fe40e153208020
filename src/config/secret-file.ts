import { open } from "node:fs/promises";
import { sep } from "node:path";

/** Bits of a file's mode by which others than its owner read, write or run it. */
const OTHERS = 0o077;

/**
 * Reads a file that holds a secret. Looks at the mode of the very file that is read: the name may be another's the
 * next moment.
 * @param what names it in the warning: "token file"
 * @param onWarning told, in one line, where others may use it
 * @throws what the system says
 */
export async function readSecretFile(
  path: string,
  what: string,
  env: NodeJS.ProcessEnv,
  onWarning: (text: string) => void,
): Promise<string> {
  const file = await open(path);
  try {
    // Windows has no such bits.
    const { mode } = await file.stat();
    if (process.platform !== "win32" && (mode & OTHERS) !== 0 && !isCredential(path, env))
      onWarning(`others on this machine may use the ${what} ${path}; say: chmod 600 ${path}`);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

/** systemd gives its credentials to one service alone, by an access list that shows as bits of the group. */
function isCredential(path: string, { CREDENTIALS_DIRECTORY: folder }: NodeJS.ProcessEnv): boolean {
  return Boolean(folder) && path.startsWith(folder + sep);
}
