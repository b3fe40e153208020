import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const LOGGER = new URL("../../dist/core/logger.js", import.meta.url);
const LINES = 5_000;

/** Writes many lines, says on stdout that it has, and ends: at once, or when all is taken. */
const PROGRAM = `
import { createLogger } from ${JSON.stringify(LOGGER.href)};
const log = createLogger({ format: "json", quiet: false, debug: false });
for (let i = 0; i < ${LINES}; i++) log.info("x".repeat(100), { seq: i });
process.stdout.write("written\\n");
const giveUp = AbortSignal.timeout(Number(process.argv[1]));
await log.flush(giveUp);
process.exit(7);
`;

function start(flushMs: number, stderr: "pipe" | "ignore", launcher: readonly string[] = []) {
  const [program = process.execPath, ...args] = [...launcher, process.execPath];
  const child = spawn(program, [...args, "--input-type=module", "-e", PROGRAM, String(flushMs)], {
    stdio: ["ignore", "pipe", stderr],
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const written = new Promise((resolve) => child.stdout?.once("data", resolve));
  return { child, ended, written };
}

describe.skipIf(process.platform === "win32")("the log on stderr", () => {
  it("loses nothing at the end while it is read", async () => {
    const { child, ended } = start(60_000, "pipe");
    let text = "";
    child.stderr?.setEncoding("utf8").on("data", (chunk) => (text += chunk));
    expect(await ended).toBe(7);
    const lines = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ seq }) => seq)).toEqual(Array.from({ length: LINES }, (_, i) => i));
  });

  it("holds nothing up where nobody reads it", async () => {
    const { child, ended, written } = start(50, "pipe");
    child.stderr?.pause();
    await written;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    expect(await exited).toBe(7);
    child.stderr?.destroy();
    await ended;
  });

  it("ends nothing where its reader goes, or never was", async () => {
    const gone = start(60_000, "pipe");
    gone.child.stderr?.destroy();
    expect(await gone.ended).toBe(7);
    const closed = start(60_000, "ignore", ["sh", "-c", 'exec "$@" 2>&-', "sh"]);
    expect(await closed.ended).toBe(7);
  });
});
