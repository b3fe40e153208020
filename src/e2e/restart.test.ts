import { chmodSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { cacheDir } from "../worker-process/cache-dir.js";
import { ensurePython } from "../worker-process/python-env.js";
import { isAlive } from "../worker-process/testing/fakes.js";
import { isExact } from "../pipeline/ledger.js";
import { jsonLines, type Running, startAiw, workerOf } from "./aiw.js";
import { scratchFolder } from "./scratch-folder.js";

const LOCK_FILE = fileURLToPath(new URL("../../worker/requirements.lock", import.meta.url));
const { folder, file } = scratchFolder("restart");
const ENDLESS = ["run", "--config", file("empty.yaml", ""), "--source", "synthetic:"];

/** After the n-th of what the CLI says on stderr. */
const says = (aiw: Running, what: string, n: number) => aiw.says(new RegExp(`(?:${what}[^]*?){${n}}`));

async function moreResults(aiw: Running): Promise<void> {
  const lines = aiw.stdout().split("\n").length;
  await aiw.sees(new RegExp(`^(?:.*\n){${lines + 1}}`));
}

async function killWorker(aiw: Running): Promise<void> {
  process.kill(workerOf(aiw.child.pid!)!, "SIGKILL");
}

/** An interpreter that runs the worker once, and the second time does what the shell commands say. */
async function pythonOf(name: string, commands: string): Promise<string> {
  const cache = resolve(cacheDir(process.env, process.platform, homedir()));
  const env = { ...process.env, AIW_PYTHON: "" };
  const { python } = await ensurePython({ env, lockFile: LOCK_FILE, cacheDir: cache });
  const mark = join(folder, `${name}-started`);
  const path = file(
    name,
    `#!/bin/sh
case "$*" in *"-m aiw_worker"*)
  if [ -e "${mark}" ]; then
    echo again >>"${mark}"
    ${commands}
  fi
  : >"${mark}"
esac
exec "${python}" "$@"
`,
  );
  chmodSync(path, 0o755);
  return path;
}

describe.skipIf(process.platform !== "linux")("a worker that crashes in mid-run (Linux)", () => {
  beforeAll(async () => void (await pythonOf("warm", "")), 600_000);

  it("is started again each time; the run goes on, its ledger exact and its records in order", async () => {
    const kills = 3;
    const aiw = startAiw(ENDLESS);
    await moreResults(aiw);
    const pids = new Set([workerOf(aiw.child.pid!)]);
    for (let n = 1; n <= kills; n++) {
      await killWorker(aiw);
      await says(aiw, "the worker is back", n);
      pids.add(workerOf(aiw.child.pid!));
      await moreResults(aiw);
    }
    aiw.child.kill("SIGINT");
    const { code, stdout, stderr } = await aiw.finished;
    expect(code).toBe(130);
    expect(pids.size).toBe(kills + 1);
    for (const pid of pids) expect(isAlive(pid!)).toBe(false);
    const again =
      /^aiw: warning: the worker process ended \(signal SIGKILL\); starting the worker again \(1 of 3 in a row without a result\)$/gm;
    expect(stderr.match(again)).toHaveLength(kills);
    expect(stderr).toContain(
      "the link to the worker was lost and came back 3 times; the worker was started again 3 times\n",
    );
    const [, offered, results, disconnected = 0] =
      /^(\d+) frames: (\d+) results, 0 errors, \d+ dropped(?: \(disconnected (\d+)\))?/m.exec(stderr) ?? [];
    const seqs = jsonLines(stdout).map(({ seq }) => seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    // A lossless run loses nothing but what was in flight.
    expect(Number(disconnected)).toBeLessThanOrEqual(kills);
    const counts = { sent: 0, errors: 0, inFlight: 0, dropped: { disconnected: Number(disconnected) } };
    expect(isExact({ ...counts, offered: Number(offered), results: Number(results) })).toBe(true);
    expect(seqs).toHaveLength(Number(results));
  });

  it("is given up after three restarts in a row without a result: exit 1, with its last words", async () => {
    const python = await pythonOf("broken", 'echo "cannot go on" >&2; echo "out of memory" >&2; exit 7');
    const aiw = startAiw(ENDLESS, { AIW_PYTHON: python });
    await moreResults(aiw);
    await killWorker(aiw);
    const { code, stdout, stderr } = await aiw.finished;
    expect(code).toBe(1);
    expect(readFileSync(join(folder, "broken-started"), "utf8")).toBe("again\n".repeat(3));
    expect(stderr).toContain("\nworker: cannot go on\nworker: out of memory\n");
    expect(stderr).toMatch(
      /^aiw: error WORKER_CRASHED: the worker was started again 3 times in a row without a result: .*out of memory/m,
    );
    expect(stderr).toMatch(/^\d+ frames: \d+ results/m);
    expect(() => jsonLines(stdout)).not.toThrow();
  });

  it("ends at SIGTERM while it is being started again, and leaves no process", async () => {
    const python = await pythonOf("slow", "exec sleep 1000");
    const aiw = startAiw(ENDLESS, { AIW_PYTHON: python });
    await moreResults(aiw);
    await killWorker(aiw);
    await says(aiw, "starting the worker again", 1);
    aiw.child.kill("SIGTERM");
    const { code, stderr } = await aiw.finished;
    expect(code).toBe(143);
    expect(stderr).toMatch(/^\d+ frames: \d+ results/m);
    expect(stderr).not.toContain("aiw: error");
  });

  it("takes the one that was started again with it when it is killed itself", async () => {
    const aiw = startAiw(ENDLESS);
    await moreResults(aiw);
    await killWorker(aiw);
    await says(aiw, "the worker is back", 1);
    const worker = workerOf(aiw.child.pid!)!;
    expect(isAlive(worker)).toBe(true);
    aiw.child.kill("SIGKILL");
    await aiw.finished;
    await expect.poll(() => isAlive(worker), { timeout: 30_000 }).toBe(false);
  });
});
