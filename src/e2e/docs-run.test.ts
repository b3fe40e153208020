import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";
import { BIN } from "./aiw.js";
import { codeBlocks, type Page, pages } from "./pages.js";
import { scratchFolder } from "./scratch-folder.js";

/** Longest that the blocks of one page may take together, milliseconds. */
const PAGE_MS = 90_000;

const { folder, subfolder } = scratchFolder("docs");
const bin = subfolder("bin");
// What a reader has installed is this checkout.
stand("aiw", `exec '${process.execPath}' '${BIN}' "$@"`);
stand("npx", `shift; exec '${process.execPath}' '${BIN}' "$@"`);

function stand(name: string, command: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${command}\n`);
  chmodSync(join(bin, name), 0o755);
}

/** Variables of whoever runs the tests that would change what a reader sees. */
const OURS = /^(AIW?_(?!PYTHON|CACHE|FFMPEG)|BIND_|IDLE_TIMEOUT_SEC$)/;

/** Runs a script as a reader would, in a group of its own so that nothing of it is left. */
async function run(
  script: string,
  cwd: string,
  timeoutMs: number,
): Promise<{ code: unknown; output: string }> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OURS.test(name)));
  const child = spawn("bash", ["-euo", "pipefail", "-c", script], {
    ...{ cwd, detached: true, stdio: ["ignore", "pipe", "pipe"] },
    env: { ...env, PATH: `${bin}${delimiter}${process.env.PATH}` },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const endAll = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // Nothing of it is there any more.
    }
  };
  const timer = setTimeout(endAll, timeoutMs);
  const [code] = await once(child, "exit");
  clearTimeout(timer);
  endAll();
  return { code, output };
}

const isRunnable = (one: Page) => codeBlocks(one).some(({ words }) => words.includes("runnable"));

// Blocks are of a POSIX shell.
describe.skipIf(process.platform === "win32")("what a reader is told to type works", () => {
  it.each(
    pages()
      .filter(isRunnable)
      .map((one) => [one.path, one] as const),
  )(
    "in %s",
    async (path, one) => {
      const cwd = join(folder, path.replaceAll("/", "-"));
      mkdirSync(cwd);
      for (const { words, text, line } of codeBlocks(one)) {
        const file = words.find((word) => word.startsWith("file="))?.slice("file=".length);
        if (file !== undefined) writeFileSync(join(cwd, file), text);
        if (!words.includes("runnable")) continue;
        const { code, output } = await run(text, cwd, PAGE_MS);
        expect(code, `${path}:${line}\n${text}\n${output}`).toBe(0);
      }
    },
    PAGE_MS,
  );
});
