import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { envSlot } from "./env-store.js";
import { callsIn, fakePython, LOCK_TEXT, tempDir } from "./testing/fakes.js";
import { compileRoom, NodeProcess } from "./testing/processes.js";

/** A machine whose pip goes no further until `letPipGoOn` is called, while one waits. */
function machine() {
  const dir = tempDir();
  const bin = join(dir, "bin");
  mkdirSync(bin);
  const lockFile = join(dir, "requirements.lock");
  writeFileSync(lockFile, LOCK_TEXT);
  const gate = join(dir, "gate");
  execFileSync("mkfifo", [gate]);
  fakePython(join(bin, "python3"), {
    onPip: `echo $$ >> ${dir}/pids; echo 'Collecting numpy==2.4.6'; read line < ${gate}`,
  });
  /** Ends the pips that outlived the command which started them. */
  const killPips = () => {
    for (const pid of readFileSync(join(dir, "pids"), "utf8").trim().split("\n")) {
      try {
        process.kill(-Number(pid), "SIGKILL");
      } catch {
        // It has ended, as it should.
      }
    }
  };
  onTestFinished(killPips);
  compileRoom(join(dir, "built"));
  const options = { env: { PATH: bin }, lockFile, cacheDir: join(dir, "cache") };
  const command = () =>
    new NodeProcess(
      dir,
      `import { ensurePython } from "./built/worker-process/python-env.js";
const made = await ensurePython({ ...${JSON.stringify(options)}, onStep: (text) => console.log(text) });
console.log("made " + made.python);`,
    );
  const letPipGoOn = () => writeFileSync(gate, "go\n");
  return { bin, slot: envSlot(options.cacheDir, LOCK_TEXT), command, letPipGoOn, killPips };
}

test("of two commands at once, one makes the environment and the other waits for it", async () => {
  const { bin, command, letPipGoOn } = machine();
  const first = command();
  await first.line("installing numpy");
  const second = command();
  await second.line("waiting for another aiw command");
  letPipGoOn();
  const made = await first.line("made ");
  expect(await second.line("made ")).toBe(made);
  expect(callsIn(bin).filter((call) => call.startsWith("-m venv"))).toHaveLength(1);
});

test("a holder that was killed is found out by its silence, and what it left is no obstacle", async () => {
  const { bin, slot, command, letPipGoOn, killPips } = machine();
  const first = command();
  await first.line("installing numpy");
  const ended = new Promise((resolve) => first.child.once("exit", resolve));
  first.child.kill("SIGKILL");
  await ended;
  killPips();
  const second = command();
  await second.line("waiting for another aiw command");
  // Its last sign of life, long ago.
  utimesSync(slot.lockPath, new Date(0), new Date(0));
  await second.line("installing numpy");
  letPipGoOn();
  await second.line("made ");
  expect(callsIn(bin).filter((call) => call.startsWith("-m venv"))).toHaveLength(2);
});
