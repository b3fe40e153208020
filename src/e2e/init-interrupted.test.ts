import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { isUnedited } from "../config/config-template.js";
import { aiw, startAiw } from "./aiw.js";
import { seededRandom } from "../scene/random.js";

const TIMES = 10;
const LIMIT_MS = 20 * 60_000;

/** A machine that has never seen aiw: an empty cache, an empty folder. */
function freshMachine() {
  const folder = mkdtempSync(join(tmpdir(), "aiw-init-"));
  const config = join(folder, "aiw.yaml");
  return {
    folder,
    config,
    args: ["init", "--yes", "--json", "--config", config],
    env: { AIW_CACHE: join(folder, "cache"), AIW_PYTHON: "" },
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }),
  };
}

/** Runs init to its end and expects everything to be there. */
async function expectDone({ args, env, config, folder }: ReturnType<typeof freshMachine>) {
  const { code, stdout, stderr } = await aiw(args, env);
  expect(stderr).not.toContain("aiw: error");
  expect(code).toBe(0);
  const report = JSON.parse(stdout);
  expect(report.first_frames.latency_ms.count).toBeGreaterThan(0);
  expect(existsSync(report.environment.python)).toBe(true);
  expect(isUnedited(readFileSync(config, "utf8"))).toBe(true);
  expect(readdirSync(folder).sort()).toEqual(["aiw.yaml", "cache"]);
  const [slot] = readdirSync(join(folder, "cache", "env")).filter((name) => !name.endsWith(".lock"));
  const inSlot = readdirSync(join(folder, "cache", "env", slot!));
  expect(inSlot.filter((name) => name.startsWith("venv-"))).toHaveLength(1);
}

describe.skipIf(process.platform === "win32")("aiw init, interrupted", () => {
  it(
    "ends well when it is run again, whenever it was interrupted",
    async () => {
      // The first may have to download; how long a whole one takes from then on is the second's.
      let wholeMs = 0;
      for (let n = 0; n < 2; n += 1) {
        const machine = freshMachine();
        const begun = performance.now();
        await expectDone(machine);
        wholeMs = performance.now() - begun;
        machine.remove();
      }
      const seed = Date.now() % 1_000_000;
      const random = seededRandom(seed);
      let interrupted = 0;
      // One that had ended by then was not interrupted, and does not count.
      for (let tries = 0; interrupted < TIMES; tries += 1) {
        expect(tries).toBeLessThan(2 * TIMES);
        const machine = freshMachine();
        const atMs = (wholeMs * random(1000)) / 1000;
        const signal = tries % 5 === 4 ? "SIGKILL" : "SIGINT";
        const running = startAiw(machine.args, machine.env);
        // The random moment is what is tested; nothing is waited for by it.
        await Promise.race([delay(atMs), running.finished]);
        running.child.kill(signal);
        const { code, stderr } = await running.finished;
        const told = `seed ${seed}, ${signal} after ${Math.round(atMs)} ms: ${stderr}`;
        // Before Node runs our first line the system's own way to end holds, and nothing has been done.
        const isUnheard = stderr === "" && readdirSync(machine.folder).length === 0;
        expect([0, signal === "SIGINT" && !(code === null && isUnheard) ? 130 : null], told).toContain(code);
        if (code !== 0) interrupted += 1;
        if (existsSync(machine.config)) {
          expect(isUnedited(readFileSync(machine.config, "utf8")), told).toBe(true);
        }
        await expectDone(machine);
        machine.remove();
      }
    },
    LIMIT_MS,
  );
});
