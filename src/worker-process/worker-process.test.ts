import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isAlive, nodeScript, tempDir } from "./testing/fakes.js";
import { compileRoom, NodeProcess } from "./testing/processes.js";
import { workerEnv } from "./worker-command.js";
import { type StartWorkerOptions, startWorker } from "./worker-process.js";

const READY = 'console.log("aiw worker listening on 127.0.0.1:4321");';
const UNTIL_STDIN_ENDS = 'process.stdin.on("end", () => process.exit(0)).resume();';

/** A worker that runs `body` after it noted its pid, arguments and environment. */
function fakeWorker(body: string, more: Partial<StartWorkerOptions> = {}) {
  const dir = tempDir();
  const noteFile = join(dir, "note");
  const python = nodeScript(
    join(dir, "python"),
    `const { pid, argv, env } = process;
require("node:fs").writeFileSync(${JSON.stringify(noteFile)}, JSON.stringify({ pid, args: argv.slice(2), env }));
${body}`,
  );
  const log: string[] = [];
  const options: StartWorkerOptions = {
    python,
    workerDir: "/worker",
    args: ["--threads", "2"],
    env: { MINE: "1" },
    onLog: (line) => log.push(line),
    ...more,
  };
  const note = () =>
    JSON.parse(readFileSync(noteFile, "utf8")) as {
      pid: number;
      args: string[];
      env: Record<string, string>;
    };
  return { dir, options, log, note };
}

test("ready: address, arguments, environment, log; stop is idempotent and leaves nothing", async () => {
  const { options, log, note } = fakeWorker(
    `console.log("garbage first");
process.stderr.write("hello, ");
process.stderr.write("log\\n", () => { ${READY} });
${UNTIL_STDIN_ENDS}`,
  );
  const worker = await startWorker({ ...options, cacheDir: "/cache" });
  expect(worker).toMatchObject({ host: "127.0.0.1", port: 4321, pid: note().pid });
  expect(note().args).toEqual([
    "-m",
    "aiw_worker",
    "--host",
    "127.0.0.1",
    "--port",
    "0",
    "--exit-with-stdin",
    "--threads",
    "2",
  ]);
  expect(note().env).toMatchObject({
    MINE: "1",
    PYTHONPATH: "/worker",
    PYTHONUNBUFFERED: "1",
    PYTHONPYCACHEPREFIX: "/cache/pycache",
  });
  expect(isAlive(worker.pid)).toBe(true);
  await Promise.all([worker.stop(), worker.stop()]);
  expect(isAlive(worker.pid)).toBe(false);
  await worker.stop();
  expect((await worker.exited).lastWords).toEqual(["hello, log"]);
  expect(log).toEqual(expect.arrayContaining(["garbage first", "hello, log"]));
});

test("a given interpreter keeps its own PYTHONPATH, a managed one has ours alone", () => {
  const env = { PYTHONPATH: "/theirs", PYTHONHOME: "/home" };
  const base = { python: "python", workerDir: "/worker", args: [], env };
  expect(workerEnv(base)).toMatchObject({ PYTHONPATH: "/worker:/theirs", PYTHONHOME: "/home" });
  expect(workerEnv({ ...base, kind: "managed" })).toMatchObject({ PYTHONPATH: "/worker" });
  expect(workerEnv({ ...base, kind: "managed" })).not.toHaveProperty("PYTHONHOME");
});

test("ended before it was ready: the worker's own error", async () => {
  const { options } = fakeWorker(
    'console.error("loading\\naiw-worker: error PORT_IN_USE: port 7001 is taken\\nTraceback"); process.exitCode = 2;',
  );
  await expect(startWorker(options)).rejects.toMatchObject({
    code: "WORKER_START",
    workerName: "PORT_IN_USE",
    message: "port 7001 is taken",
    detail: expect.stringContaining("Traceback"),
  });
});

test.each([
  [
    "exit code",
    'console.error("No module named aiw_worker"); process.exitCode = 1;',
    "(exit code 1): No module named",
  ],
  ["signal", 'process.kill(process.pid, "SIGKILL");', "(signal SIGKILL): it said nothing"],
])("ended before it was ready: %s", async (_name, body, expected) => {
  await expect(startWorker(fakeWorker(body).options)).rejects.toMatchObject({
    code: "WORKER_START",
    message: expect.stringContaining(expected),
    workerName: undefined,
  });
});

test("an interpreter that is not there", async () => {
  const { options } = fakeWorker("");
  await expect(startWorker({ ...options, python: "/nowhere/python" })).rejects.toMatchObject({
    code: "WORKER_START",
    message: expect.stringContaining("/nowhere/python"),
  });
});

test("died later: exited tells how, with its last words", async () => {
  const { options } = fakeWorker(
    `process.on("SIGUSR2", () => { console.error("out of memory"); process.exit(7); });
${UNTIL_STDIN_ENDS} ${READY}`,
  );
  const worker = await startWorker(options);
  process.kill(worker.pid, "SIGUSR2");
  expect(await worker.exited).toEqual({ code: 7, signal: null, lastWords: ["out of memory"] });
  await worker.stop();
});

test("a worker that heeds nothing is killed", async () => {
  const { options } = fakeWorker(
    `process.on("SIGTERM", () => undefined); setInterval(() => undefined, 1000); ${READY}`,
    { killAfterMs: 10 },
  );
  const worker = await startWorker(options);
  await worker.stop();
  expect(await worker.exited).toMatchObject({ code: null, signal: "SIGKILL" });
});

test("asked again, it is killed at the earliest time", async () => {
  const { options } = fakeWorker(
    `process.on("SIGTERM", () => undefined); setInterval(() => undefined, 1000); ${READY}`,
    { killAfterMs: 3_600_000 },
  );
  const worker = await startWorker(options);
  await Promise.all([worker.stop(), worker.stop(10)]);
  expect(await worker.exited).toMatchObject({ code: null, signal: "SIGKILL" });
});

test("a worker that never says ready is killed", async () => {
  const { options } = fakeWorker("setInterval(() => undefined, 1000);", {
    readyTimeoutMs: 20,
    killAfterMs: 20,
  });
  let error: unknown;
  await startWorker(options).catch((thrown: unknown) => {
    error = thrown;
  });
  expect(error).toMatchObject({ code: "WORKER_TIMEOUT", message: expect.stringContaining("within 0.02 s") });
});

test("an abort while it starts stops it; before, nothing is started", async () => {
  const controller = new AbortController();
  const { options, note } = fakeWorker(`console.error("up"); ${UNTIL_STDIN_ENDS}`, {
    signal: controller.signal,
    onLog: () => controller.abort(),
  });
  await expect(startWorker(options)).rejects.toMatchObject({ code: "INTERRUPTED" });
  expect(isAlive(note().pid)).toBe(false);

  const never = fakeWorker("", { signal: AbortSignal.abort() });
  await expect(startWorker(never.options)).rejects.toMatchObject({ code: "INTERRUPTED" });
  expect(never.note).toThrow();
});

test("when this process is killed, its worker goes too", async () => {
  // The worker holds a connection to the test, whose closing is how its end is noticed.
  const { dir, options, note } = fakeWorker(
    `require("node:net").connect(__dirname + "/socket").unref().on("connect", () => { ${READY} });
${UNTIL_STDIN_ENDS}`,
  );
  const server = createServer();
  onTestFinished(() => void server.close());
  const connected = new Promise<Socket>((resolve) => server.once("connection", resolve));
  await new Promise<void>((resolve) => server.listen(join(dir, "socket"), resolve));
  compileRoom(join(dir, "built"));
  const parent = new NodeProcess(
    dir,
    `import { startWorker } from "./built/worker-process/worker-process.js";
const worker = await startWorker(${JSON.stringify(options)});
console.log("ready " + worker.pid);`,
  );
  const pid = Number((await parent.line("ready ")).split(" ")[1]);
  expect(pid).toBe(note().pid);
  const socket = await connected;
  const closed = new Promise((resolve) => socket.resume().once("close", resolve));
  expect(isAlive(pid)).toBe(true);
  parent.child.kill("SIGKILL");
  await closed;
});

test("in the foreground: both streams are ours, signals are handed on, the exit code is its own", async () => {
  const { dir, options, note } = fakeWorker(
    `process.on("SIGINT", () => { console.log("interrupted"); process.exit(5); }).on("SIGTERM", () => process.exit(6));
console.log("up"); ${UNTIL_STDIN_ENDS}`,
  );
  compileRoom(join(dir, "built"));
  writeFileSync(join(dir, "options.json"), JSON.stringify(options));
  const foreground = (more: string) =>
    new NodeProcess(
      dir,
      `import { readFileSync } from "node:fs";
import { runWorkerForeground } from "./built/worker-process/worker-process.js";
const options = JSON.parse(readFileSync("${dir}/options.json", "utf8"));
${more}
const onKilled = (name) => console.log("killed by " + name);
console.log("code " + await runWorkerForeground({ ...options, signal: globalThis.signal, onKilled }));`,
    );
  const plain = foreground("");
  await plain.line("up");
  expect(note().args).toEqual(["-m", "aiw_worker", "--exit-with-stdin", "--threads", "2"]);
  plain.child.kill("SIGINT");
  expect(await plain.line("code")).toBe("code 5");
  expect(plain.lines).toContain("interrupted");

  const withSignal = foreground(
    "const controller = new AbortController(); globalThis.signal = controller.signal; process.on('SIGINT', () => controller.abort());",
  );
  await withSignal.line("up");
  withSignal.child.kill("SIGINT");
  expect(await withSignal.line("code")).toBe("code 6");
  expect([...plain.lines, ...withSignal.lines].join()).not.toContain("killed");

  const killed = foreground("");
  await killed.line("up");
  process.kill(note().pid, "SIGKILL");
  expect(await killed.line("killed by")).toBe("killed by SIGKILL");
  expect(await killed.line("code")).toBe("code 137");
});
