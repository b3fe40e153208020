import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ManualClock } from "../testing/manual-clock.js";
import { RecorderHook, type RecorderHookOptions } from "./recorder-hook.js";

let dir: string;
let clock: ManualClock;
let lines: string[];
let notes: string[];
const never = new AbortController().signal;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "aiw-hook-"));
  clock = new ManualClock();
  lines = [];
  notes = [];
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A hook that runs a piece of JavaScript, with `log` to append a line to a file and `fs` at hand. */
function hook(script: string, changes: Partial<RecorderHookOptions> = {}): RecorderHook {
  const code = `const fs = require("fs"); const log = (t) => fs.appendFileSync(process.argv[1], t + "\\n"); ${script}`;
  const quoted = [process.execPath, "-e", code, join(dir, "log")].map(
    (word) => `'${word.replaceAll("'", `'\\''`)}'`,
  );
  const onLine = (line: string, sessionId: string) => lines.push(`${sessionId}: ${line}`);
  const onNote = (text: string) => notes.push(text);
  return new RecorderHook(quoted.join(" "), { clock, env: process.env, onLine, onNote, ...changes });
}

const START = { sessionId: "s1", camera: "door", dir: "/sessions/s1", startWallMs: 1_700_000_000_000 };
const STOP = { ...START, endWallMs: 1_700_000_009_500, reason: "silence" } as const;
const logged = () => readFileSync(join(dir, "log"), "utf8").split("\n").slice(0, -1);

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Ends a hook when there is no more time for all else. */
async function endOf(one: RecorderHook): Promise<void> {
  let isClosed = false;
  const closed = one.close(AbortSignal.abort()).then(() => (isClosed = true));
  while (!isClosed) await clock.advanceBy(100_000);
  await closed;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie whom nobody has fetched yet is dead.
    return !/^State:\s+Z/m.test(
      existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/status`, "utf8") : "",
    );
  } catch {
    return false;
  }
}

describe("a hook", () => {
  it("waits for the session's files, but not for long", async () => {
    const one = hook("log(process.env.AIW_EVENT)");
    let isThere = () => {};
    one.start(START, new Promise<void>((resolve) => (isThere = resolve)));
    const stuck = new Promise<void>(() => {});
    await until(() => clock.pendingTimers === 1);
    expect(existsSync(join(dir, "log"))).toBe(false);
    isThere();
    await until(() => existsSync(join(dir, "log")) && clock.pendingTimers === 0);
    one.stop(STOP, stuck);
    await until(() => clock.pendingTimers === 1);
    const atUs = clock.nowUs();
    await clock.advanceTo(atUs + 1_999_999);
    expect(clock.pendingTimers).toBe(1);
    await clock.advanceTo(atUs + 2_000_000);
    await until(() => logged().length === 2);
    await one.close(never);
    expect(logged()).toEqual(["start", "stop"]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("is run at the start and the stop of a session, in this order, with what it needs to know", async () => {
    const env = {
      ...{
        PATH: process.env.PATH,
        AIW_TOKEN: "t",
        AIW_MQTT_PASSWORD: "p",
        AIW_WEBHOOK_SECRET: "s",
        AIW_REASON: "old",
      },
      ...{ AIW_MQTT_URL: "mqtt://u:p@broker", AWS_SECRET_ACCESS_KEY: "theirs", AIW_CACHE: "/cache" },
    };
    const one = hook(
      `const own = Object.entries(process.env).filter(([k]) => /^A/.test(k)).sort(); log(JSON.stringify(Object.fromEntries(own)));`,
      { env },
    );
    one.start(START);
    one.stop(STOP);
    await one.close(never);
    const known = {
      AIW_CACHE: "/cache",
      AIW_CAMERA: "door",
      AIW_SESSION: "s1",
      AIW_SESSION_DIR: "/sessions/s1",
      AIW_START: "2023-11-14T22:13:20.000Z",
      AWS_SECRET_ACCESS_KEY: "theirs",
    };
    expect(logged().map((line) => JSON.parse(line))).toEqual([
      { ...known, AIW_EVENT: "start" },
      { ...known, AIW_EVENT: "stop", AIW_END: "2023-11-14T22:13:29.500Z", AIW_REASON: "silence" },
    ]);
    expect(notes).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("has no stdin, and its output in our log, as far as that goes", async () => {
    const one = hook(
      `process.stdin.on("data", () => {}).on("end", () => { console.log("one\\u001b[31m"); console.error("two"); process.stdout.write("end"); })`,
    );
    one.start(START);
    await one.close(never);
    expect(lines.toSorted()).toEqual(["end", "one?[31m", "two"].map((text) => `s1: ${text}`));
    lines = [];
    const loud = hook(`for (let i = 0; i < 5000; i++) console.log("x".repeat(2000));`);
    loud.start(START);
    await loud.close(never);
    expect(lines).toHaveLength(50);
    expect(lines.at(-1)).toContain("more is not shown");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(600);
  });

  it("that fails is told once for each kind, and anew after it went well", async () => {
    const one = hook(
      `process.exit(process.env.AIW_CAMERA === "ok" ? 0 : process.env.AIW_EVENT === "start" ? 3 : 4)`,
    );
    const settled = (sum: number) => until(() => sum === one.counts().ok + one.counts().failed);
    one.start(START);
    one.stop(STOP);
    await settled(2);
    expect(notes).toEqual([expect.stringMatching(/, start of session s1, ended with exit code 3; .*anew/)]);
    one.start({ ...START, camera: "ok" });
    await settled(3);
    await clock.advanceBy(60_000_000);
    one.stop(STOP);
    await one.close(never);
    expect(notes.slice(1)).toEqual([expect.stringMatching(/, stop of session s1, ended with exit code 4; /)]);
    expect(one.counts()).toEqual({ ok: 1, failed: 3, timeout: 0, not_run: 0 });
    notes = [];
    const options = { clock, env: process.env, onLine: () => {}, onNote: (text: string) => notes.push(text) };
    const gone = new RecorderHook(join(dir, "no-such-command"), options);
    gone.start(START);
    gone.stop(STOP);
    await gone.close(never);
    expect(notes).toEqual([expect.stringContaining("can't be started (ENOENT)")]);
    expect(gone.counts().failed).toBe(2);
  });

  it.each(["", "   ", "record 'half", "record | tee"])("that is %j is refused", (command) => {
    const options = { clock, env: {}, onLine: () => {}, onNote: () => {} };
    expect(() => new RecorderHook(command, options)).toThrow(/recorder /);
  });

  it("whose environment can't be made is told", async () => {
    const one = hook("");
    one.start({ ...START, camera: "a\0b" });
    await one.close(never);
    expect(notes).toEqual([expect.stringContaining("can't be started")]);
  });

  it("is not begun while too many of its runs are not done, and its stop where its start was run", async () => {
    const one = hook(`log(process.env.AIW_EVENT + " " + process.env.AIW_SESSION)`, { maxRuns: 2 });
    const all = ["a", "b", "c", "d"];
    for (const sessionId of all) one.start({ ...START, sessionId });
    for (const sessionId of all) one.stop({ ...STOP, sessionId });
    await one.close(never);
    expect(logged().sort()).toEqual(["start a", "start b", "stop a", "stop b"]);
    expect(notes).toEqual([
      expect.stringMatching(
        /, start of session c, is not run, nor will its stop be: 2 runs are not done yet; /,
      ),
    ]);
    expect(one.counts()).toEqual({ ok: 4, failed: 0, timeout: 0, not_run: 4 });
  });

  it("of one session does not wait for that of another", async () => {
    const one = hook(
      `log(process.env.AIW_SESSION); if (process.env.AIW_SESSION === "s1") setInterval(() => {}, 1e6)`,
    );
    one.start(START);
    one.start({ ...START, sessionId: "s2" });
    await until(() => existsSync(join(dir, "log")) && logged().length === 2 && one.counts().ok === 1);
    await endOf(one);
    expect(notes).toEqual([expect.stringMatching(/, start of session s1, is cut off: the agent ends$/)]);
    expect(one.counts()).toEqual({ ok: 1, failed: 0, timeout: 1, not_run: 0 });
  });
});

/** Ignores being asked to end, has a child of the same kind, and tells the ids of both. */
const STUBBORN = `
  process.on("SIGTERM", () => log("term"));
  const own = "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1e6)";
  const child = require("child_process").spawn(process.execPath, ["-e", own], { stdio: ["ignore", "pipe", "ignore"] });
  child.stdout.once("data", () => log(process.pid + " " + child.pid));
  setInterval(() => {}, 1e6);`;

describe.skipIf(process.platform === "win32")("a hook that hangs", () => {
  it("is ended after its time with all that it started, and the next one is run", async () => {
    const one = hook(`if (process.env.AIW_EVENT === "stop") log("stop"); else { ${STUBBORN} }`);
    one.start(START);
    one.stop(STOP);
    await until(() => existsSync(join(dir, "log")) && logged().length === 1);
    const pids = (logged()[0] ?? "").split(" ").map(Number);
    await clock.advanceBy(29_999_999);
    expect(notes).toEqual([]);
    await clock.advanceBy(1);
    await until(() => logged().includes("term"));
    expect(pids.map(isAlive)).toEqual([true, true]);
    await clock.advanceBy(1_000_000);
    await one.close(never);
    await until(() => !pids.some(isAlive));
    expect(logged().at(-1)).toBe("stop");
    expect(notes).toEqual([expect.stringContaining("did not end within 30 s")]);
    expect(one.counts()).toEqual({ ok: 1, failed: 0, timeout: 1, not_run: 0 });
    expect(clock.pendingTimers).toBe(0);
  });

  it("is ended some time after all else when we end, and those behind it are not begun: each is told", async () => {
    const one = hook(STUBBORN);
    one.start(START);
    one.stop(STOP);
    await until(() => existsSync(join(dir, "log")) && logged().length === 1);
    const pids = (logged()[0] ?? "").split(" ").map(Number);
    const giveUp = new AbortController();
    const closed = one.close(giveUp.signal);
    await clock.advanceBy(1_200_000);
    giveUp.abort();
    await clock.advanceBy(2_799_999);
    expect(pids.map(isAlive)).toEqual([true, true]);
    expect(logged()).toHaveLength(1);
    await clock.advanceBy(1);
    await until(() => logged().includes("term"));
    await clock.advanceBy(1_000_000);
    await closed;
    await until(() => !pids.some(isAlive));
    expect(logged().filter((line) => / /.test(line))).toHaveLength(1);
    expect(notes.map((note) => note.replace(/^.*?, /, ""))).toEqual([
      "start of session s1, is cut off: the agent ends",
      "stop of session s1, is not run: the agent ends",
    ]);
    expect(one.counts()).toEqual({ ok: 0, failed: 0, timeout: 1, not_run: 1 });
    expect(clock.pendingTimers).toBe(0);
  });

  const WAITS = `
    log(process.env.AIW_EVENT);
    if (process.env.AIW_EVENT === "start") fs.watch(process.argv[1], () => { if (/go/.test(fs.readFileSync(process.argv[1]))) process.exit(); });`;
  /** Two seconds into the end the start that waits may go, and does. */
  const startGoes = async (one: RecorderHook) => {
    await clock.advanceBy(2_000_000);
    await until(() => {
      appendFileSync(join(dir, "log"), "go\n");
      return one.counts().ok > 0;
    });
  };

  it("has the stop behind it run all the same, though all else is given up", async () => {
    const one = hook(WAITS);
    one.start(START);
    one.stop(STOP);
    await until(() => existsSync(join(dir, "log")));
    const closed = one.close(AbortSignal.abort());
    await startGoes(one);
    await closed;
    expect(logged().at(-1)).toBe("stop");
    expect([notes, one.counts().ok, clock.pendingTimers]).toEqual([[], 2, 0]);
  });

  it("has no stop run whose session's files are still waited for at the end", async () => {
    const one = hook(WAITS);
    one.start(START);
    one.stop(STOP, new Promise<void>(() => {}));
    await until(() => existsSync(join(dir, "log")));
    const closed = one.close(AbortSignal.abort());
    await startGoes(one);
    await clock.advanceBy(800_000);
    await closed;
    expect(logged()).not.toContain("stop");
    expect(notes).toEqual([expect.stringMatching(/, stop of session s1, is not run: the agent ends$/)]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("leaves what it started the time to end by itself", async () => {
    const one = hook(`
      const own = "process.on('SIGTERM', () => setTimeout(() => { require('fs').appendFileSync(process.argv[1], 'saved\\\\n'); process.exit(); }, 50)); console.log('up'); setInterval(() => {}, 1e6)";
      const child = require("child_process").spawn(process.execPath, ["-e", own, process.argv[1]], { stdio: ["ignore", "pipe", "ignore"] });
      child.stdout.once("data", () => log("up"));`);
    one.start(START);
    await until(() => existsSync(join(dir, "log")) && logged().length === 1);
    const closed = one.close(AbortSignal.abort());
    await clock.advanceBy(2_800_000);
    await until(() => logged().length === 2);
    expect(logged()).toEqual(["up", "saved"]);
    await clock.advanceBy(1_000_000);
    await closed;
    expect(clock.pendingTimers).toBe(0);
  });

  it("does not hold us up with its output once it has ended", async () => {
    const one = hook(`
      const child = require("child_process").spawn(process.execPath, ["-e", "setTimeout(() => {}, 3e5)"], { detached: true, stdio: "inherit" });
      log(process.pid + " " + child.pid); child.unref();`);
    one.start(START);
    let isClosed = false;
    const closed = one.close(never).then(() => (isClosed = true));
    await until(() => existsSync(join(dir, "log")) && logged().length === 1);
    const [own = 0, pid = 0] = (logged()[0] ?? "").split(" ").map(Number);
    await until(() => !isAlive(own));
    while (!isClosed) await clock.advanceBy(1000);
    await closed;
    // It left the group, as a recorder may that is to go on.
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, "SIGKILL");
  });
});
