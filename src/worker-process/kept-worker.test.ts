import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { AiwError } from "../core/errors.js";
import { KeptWorker } from "./kept-worker.js";
import { isAlive, nodeScript, tempDir } from "./testing/fakes.js";
import { startWorker } from "./worker-process.js";

const READY = 'console.log("aiw worker listening on 127.0.0.1:4321");';
const UNTIL_STDIN_ENDS = 'process.stdin.on("end", () => process.exit(0)).resume();';

/** A kept worker made of scripts: the n-th start runs the n-th body, the last one again and again. */
async function keep(...bodies: string[]) {
  const dir = tempDir();
  let starts = 0;
  const notes: string[] = [];
  const stop = new AbortController();
  const start = (signal: AbortSignal) => {
    const python = nodeScript(join(dir, `python-${starts}`), bodies[starts] ?? bodies.at(-1) ?? "");
    starts++;
    return startWorker({ python, workerDir: "/worker", args: [], env: {}, signal, killAfterMs: 100 });
  };
  const worker = await KeptWorker.start(
    { start, onRestart: (why, inARow) => notes.push(`${inARow}: ${why}`) },
    stop.signal,
  );
  onTestFinished(() => worker.stop());
  const crash = async () => {
    const lost = worker.current;
    process.kill(lost.pid, "SIGKILL");
    await lost.exited;
    return worker.another(lost, "the link broke");
  };
  return { worker, notes, crash, starts: () => starts };
}

test("starts another in place of one that was killed, with a token of its own, and says why", async () => {
  const { worker, notes, crash } = await keep(`${READY} ${UNTIL_STDIN_ENDS}`);
  const first = worker.current;
  const second = await crash();
  expect(worker.current).toBe(second);
  expect(second.pid).not.toBe(first.pid);
  expect(second.token).toMatch(/^[\w-]{43}$/);
  expect(second.token).not.toBe(first.token);
  expect(isAlive(second.pid)).toBe(true);
  expect(notes).toEqual(["1: the worker process ended (signal SIGKILL)"]);
  expect(worker.restarts).toBe(1);
});

test("starts one for all who have lost the same", async () => {
  const { worker, crash, starts } = await keep(`${READY} ${UNTIL_STDIN_ENDS}`);
  const lost = worker.current;
  const [a, b] = await Promise.all([crash(), worker.another(lost, "the link broke")]);
  expect(a).toBe(b);
  expect(await worker.another(lost, "the link broke")).toBe(a);
  expect(starts()).toBe(2);
});

test("ends one that still runs though its link is gone, and says what its client knows", async () => {
  const { worker, notes } = await keep(
    `process.on("SIGTERM", () => undefined); setInterval(() => undefined, 1000); ${READY}`,
    `${READY} ${UNTIL_STDIN_ENDS}`,
  );
  const hanging = worker.current;
  await worker.another(hanging, "it sent nothing for 10 s");
  expect(isAlive(hanging.pid)).toBe(false);
  expect(notes).toEqual(["1: it sent nothing for 10 s"]);
});

test("gives up after three restarts in a row without a result, with the last lines of its stderr", async () => {
  // Listens before it says that it is ready: from then on the signal may come.
  const dying = `console.error("first words\\nbad model"); process.on("SIGUSR2", () => process.exit(7));
${READY} setInterval(() => undefined, 1000);`;
  const { worker, notes, starts } = await keep(dying);
  const die = async () => {
    const lost = worker.current;
    process.kill(lost.pid, "SIGUSR2");
    await lost.exited;
    return worker.another(lost, "the link broke");
  };
  await die();
  await die();
  worker.hadResult();
  for (let n = 0; n < 3; n++) await die();
  await expect(die()).rejects.toMatchObject({
    code: "WORKER_CRASHED",
    message:
      "the worker was started again 3 times in a row without a result: the worker process ended (exit code 7); it said last: bad model",
    detail: "first words\nbad model",
  });
  expect(notes.map((note) => note[0])).toEqual(["1", "2", "1", "2", "3"]);
  expect(starts()).toBe(6);
});

test("a start that fails counts as one, and its reason is told in the end", async () => {
  const { worker } = await keep(
    `${READY} ${UNTIL_STDIN_ENDS}`,
    'console.error("no memory"); process.exitCode = 1;',
  );
  const lost = worker.current;
  process.kill(lost.pid, "SIGKILL");
  for (let n = 0; n < 2; n++) {
    await expect(worker.another(lost, "")).rejects.toMatchObject({ code: "WORKER_START" });
  }
  await expect(worker.another(lost, "")).rejects.toMatchObject({
    code: "WORKER_CRASHED",
    message: expect.stringContaining("no memory"),
  });
});

test("stopped while it starts another, it leaves neither", async () => {
  const { worker } = await keep(`${READY} ${UNTIL_STDIN_ENDS}`, `setInterval(() => undefined, 1000);`);
  const lost = worker.current;
  process.kill(lost.pid, "SIGKILL");
  const another = worker.another(lost, "");
  await worker.stop();
  await expect(another).rejects.toBeInstanceOf(AiwError);
});

test("who asks for it while another is being started gets that one", async () => {
  const { worker } = await keep(`${READY} ${UNTIL_STDIN_ENDS}`);
  const lost = worker.current;
  expect(await worker.whenThere()).toBe(lost);
  process.kill(lost.pid, "SIGKILL");
  const another = worker.another(lost, "");
  expect(await worker.whenThere()).toBe(await another);
  expect(worker.current).not.toBe(lost);
});

test("stopped while one that hangs is being replaced, it has no more time than it is given", async () => {
  const hangs = `process.on("SIGTERM", () => undefined); setInterval(() => undefined, 1000); ${READY}`;
  const { worker } = await keep(hangs);
  const { current: hanging } = worker;
  const another = worker.another(hanging, "it sent nothing for 10 s");
  const stopped = worker.stop(10);
  await expect(another).rejects.toMatchObject({ code: "INTERRUPTED" });
  await stopped;
  expect(isAlive(hanging.pid)).toBe(false);
});
