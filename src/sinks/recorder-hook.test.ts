import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
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
  const onLine = (line: string) => lines.push(line);
  const onNote = (text: string) => notes.push(text);
  return new RecorderHook(quoted.join(" "), { clock, env: process.env, onLine, onNote, ...changes });
}

const START = { sessionId: "s1", camera: "door", dir: "/sessions/s1", startWallMs: 1_700_000_000_000 };
const STOP = { ...START, endWallMs: 1_700_000_009_500, reason: "silence" } as const;
const logged = () => readFileSync(join(dir, "log"), "utf8").split("\n").slice(0, -1);

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
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
  it("waits for the session's files, but not for long, and not once it is to end", async () => {
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
    one.start({ ...START, sessionId: "s2" }, stuck);
    await one.close(AbortSignal.abort());
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
    expect(lines.toSorted()).toEqual(["end", "one?[31m", "two"].map((text) => `recorder hook, s1: ${text}`));
    lines = [];
    const loud = hook(`for (let i = 0; i < 5000; i++) console.log("x".repeat(2000));`);
    loud.start(START);
    await loud.close(never);
    expect(lines).toHaveLength(50);
    expect(lines.at(-1)).toContain("more is not shown");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(600);
  });

  it("that fails is told once for each kind", async () => {
    const one = hook(`process.exit(process.env.AIW_EVENT === "start" ? 3 : 4)`);
    one.start(START);
    one.stop(STOP);
    await one.close(never);
    expect(notes).toEqual([expect.stringContaining("ended with exit code 3")]);
    notes = [];
    const options = { clock, env: process.env, onLine: () => {}, onNote: (text: string) => notes.push(text) };
    const gone = new RecorderHook(join(dir, "no-such-command"), options);
    gone.start(START);
    gone.stop(STOP);
    await gone.close(never);
    expect(notes).toEqual([expect.stringContaining("can't be started (ENOENT)")]);
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

  it("is not begun while too many of its runs are not done", async () => {
    const one = hook(`log(process.env.AIW_SESSION)`, { maxRuns: 2 });
    for (const sessionId of ["a", "b", "c", "d"]) one.start({ ...START, sessionId });
    await one.close(never);
    expect(logged().sort()).toEqual(["a", "b"]);
    expect(notes).toEqual([expect.stringContaining("2 of its runs are not done")]);
  });

  it("of one session does not wait for that of another", async () => {
    const one = hook(
      `log(process.env.AIW_SESSION); if (process.env.AIW_SESSION === "s1") setInterval(() => {}, 1e6)`,
    );
    one.start(START);
    one.start({ ...START, sessionId: "s2" });
    await until(() => existsSync(join(dir, "log")) && logged().length === 2);
    const giveUp = new AbortController();
    giveUp.abort();
    await one.close(giveUp.signal);
    expect(notes).toEqual([]);
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
    expect(notes).toEqual([expect.stringContaining("did not end within 30 s")]);
    await until(() => logged().includes("term"));
    expect(pids.map(isAlive)).toEqual([true, true]);
    await clock.advanceBy(2_000_000);
    await one.close(never);
    await until(() => !pids.some(isAlive));
    expect(logged().at(-1)).toBe("stop");
    expect(clock.pendingTimers).toBe(0);
  });

  it("is ended when we end, and those behind it are not begun", async () => {
    const one = hook(STUBBORN);
    one.start(START);
    one.stop(STOP);
    await until(() => existsSync(join(dir, "log")) && logged().length === 1);
    const pids = (logged()[0] ?? "").split(" ").map(Number);
    const giveUp = new AbortController();
    const closed = one.close(giveUp.signal);
    giveUp.abort();
    await until(() => logged().includes("term"));
    await clock.advanceBy(2_000_000);
    await closed;
    await until(() => !pids.some(isAlive));
    expect(logged().filter((line) => / /.test(line))).toHaveLength(1);
  });

  it("leaves what it started the time to end by itself", async () => {
    const one = hook(`
      const own = "process.on('SIGTERM', () => setTimeout(() => { require('fs').appendFileSync(process.argv[1], 'saved\\\\n'); process.exit(); }, 50)); console.log('up'); setInterval(() => {}, 1e6)";
      const child = require("child_process").spawn(process.execPath, ["-e", own, process.argv[1]], { stdio: ["ignore", "pipe", "ignore"] });
      child.stdout.once("data", () => log("up"));`);
    one.start(START);
    await until(() => existsSync(join(dir, "log")) && logged().length === 1);
    const giveUp = new AbortController();
    const closed = one.close(giveUp.signal);
    giveUp.abort();
    await until(() => logged().length === 2);
    expect(logged()).toEqual(["up", "saved"]);
    await clock.advanceBy(2_000_000);
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
