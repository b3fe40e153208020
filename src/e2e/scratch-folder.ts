import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** A folder for the tests of a file, which goes with the last of them; its path has no link in it. */
export function scratchFolder(name: string) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `aiw-${name}-`)));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return {
    folder,
    /** Writes a file in it and gives the path. */
    file: (file: string, content: string | Buffer) => {
      writeFileSync(join(folder, file), content);
      return join(folder, file);
    },
    /** Makes a folder in it and gives the path. */
    subfolder: (subfolder: string) => {
      mkdirSync(join(folder, subfolder));
      return join(folder, subfolder);
    },
  };
}
