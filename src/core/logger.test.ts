import { PassThrough, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { AiwError } from "./errors.js";
import { LineWriter } from "./line-writer.js";
import { createLogger, type LoggerOptions } from "./logger.js";
import { secretsMask } from "./mask.js";

const NOW = Date.UTC(2026, 0, 2, 14, 30, 55, 605);
const NEVER = new AbortController().signal;

function setUp(options: Partial<LoggerOptions> = {}) {
  const stream = new PassThrough();
  const log = createLogger({
    ...{ format: "json", quiet: false, debug: false, stream, wallMs: () => NOW },
    ...options,
  });
  const text = () => String(stream.read() ?? "");
  return { log, stream, text };
}

describe("the log as JSON", () => {
  it("has pino's lines, with who it is about by the worker's names", () => {
    const { log, text } = setUp();
    log
      .with({ camera: "door", session: "s1" })
      .info("a frame failed", { seq: 7, took: 1.5, more: undefined });
    expect(text()).toBe(
      `{"level":30,"time":${NOW},"pid":${process.pid},"name":"aiw","camera":"door","session":"s1","seq":7,"took":1.5,"msg":"a frame failed"}\n`,
    );
  });

  it("writes an error as code and message, and its stack for developers", () => {
    const error = new AiwError("WORKER_REFUSED", "no", { workerName: "POOL_FULL", detail: "more\nof it" });
    const plain = setUp();
    plain.log.error("refused", { err: error });
    expect(JSON.parse(plain.text())).toMatchObject({ level: 50, code: "POOL_FULL", error: "no" });
    const debug = setUp({ debug: true });
    debug.log.warn("odd", { err: new Error("boo") });
    expect(JSON.parse(debug.text())).toMatchObject({
      code: "INTERNAL",
      error: "boo",
      stack: expect.stringContaining("logger.test.ts"),
    });
  });

  it("keeps its own keys, and survives what JSON can't take", () => {
    const { log, text } = setUp();
    const round: { self?: unknown } = {};
    round.self = round;
    log.info("x", { level: 1, msg: "y", name: "z", round, big: 10n, none: null });
    expect(JSON.parse(text())).toMatchObject({
      ...{ level: 30, msg: "x", name: "aiw", level_: 1, msg_: "y", name_: "z" },
      ...{ round: "[not to be written]", big: "10", none: null },
    });
  });

  it.each([
    [{}, ["info", "warn", "error"]],
    [{ debug: true }, ["debug", "info", "warn", "error"]],
    [{ quiet: true }, ["error"]],
    [{ quiet: true, debug: true }, ["error"]],
  ] as const)("with %j writes %j", (options, levels) => {
    const { log, text } = setUp(options);
    for (const level of ["debug", "info", "warn", "error"] as const) log[level](level);
    const lines = text().trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(levels);
  });

  it("hides secrets in messages, fields, errors and stacks, and stays JSON", () => {
    const { log, text } = setUp({ debug: true, mask: secretsMask(["hunter2hunter2"]) });
    const url = "rtsp://u:hunter2@cam/1?token=abc";
    const err = new AiwError("SOURCE_LOST", `${url} is lost`, { detail: `${url} said no` });
    log.with({ camera: url }).error(`can't open ${url}`, {
      ...{ err, token: "abc", webhook_secret: "abc", list: [url], what: "hunter2hunter2" },
    });
    const line = text();
    expect(line).not.toMatch(/hunter2|abc/);
    expect(JSON.parse(line)).toMatchObject({ token: "***", webhook_secret: "***", what: "***" });
  });
});

describe("the log for people", () => {
  it("looks like the worker's", () => {
    const { log, text } = setUp({ format: "pretty", debug: true });
    log.info("the camera is live", { camera: "door", seq: 3, on: true });
    log.warn("odd");
    log.debug("deep");
    expect(text()).toBe(
      "14:30:55.605 info    the camera is live camera=door seq=3 on=true\n" +
        "14:30:55.605 warning odd\n" +
        "14:30:55.605 debug   deep\n",
    );
  });

  it("has one line for a message of several, and obeys no control characters", () => {
    const { log, text } = setUp({ format: "pretty" });
    log.error("a\r\n b\u001b[2J", { camera: "x\ny", err: new AiwError("WORKER_LOST", "gone") });
    expect(text()).toBe("14:30:55.605 error   a b?[2J camera=x y code=WORKER_LOST error=gone\n");
  });

  it("puts a stack below, a line each", () => {
    const { log, text } = setUp({ format: "pretty", debug: true });
    log.error("a defect", { err: new Error("boo") });
    const [first, second, ...rest] = text().split("\n");
    expect(first).toBe("14:30:55.605 error   a defect code=INTERNAL error=boo");
    expect(second).toMatch(/^AiwError: boo$/);
    expect(rest.length).toBeGreaterThan(1);
  });
});

/** Takes one line, and the next when it is told to. */
class SlowReader extends Writable {
  readonly taken: string[] = [];
  private callback: (() => void) | undefined;

  override _write(chunk: Buffer, _: unknown, callback: () => void): void {
    this.taken.push(String(chunk));
    this.callback = callback;
  }

  next(): void {
    const { callback } = this;
    this.callback = undefined;
    callback?.();
  }

  takeAll(): void {
    while (this.callback !== undefined) this.next();
  }
}

describe("LineWriter", () => {
  const writer = (stream: Writable) => new LineWriter(stream, (lost) => `${lost} lost\n`, 100);

  it("leaves out what a slow reader has no room for, and says how much that was", () => {
    const stream = new SlowReader();
    const lines = writer(stream);
    for (let i = 0; i < 1000; i++) lines.write(`line ${i} ${"x".repeat(20)}\n`);
    expect(stream.writableLength).toBeLessThan(200);
    stream.takeAll();
    lines.write("there again\n");
    stream.takeAll();
    const lost = 1000 - (stream.taken.length - 2);
    expect(stream.taken.slice(-2)).toEqual([`${lost} lost\n`, "there again\n"]);
  });

  it("has written everything when it is flushed, losses included", async () => {
    const stream = new SlowReader();
    const lines = writer(stream);
    for (let i = 0; i < 10; i++) lines.write(`${"x".repeat(30)}\n`);
    let isFlushed = false;
    const flushed = lines.flush(NEVER).then(() => (isFlushed = true));
    while (!isFlushed) {
      stream.next();
      await new Promise(setImmediate);
    }
    await flushed;
    expect(stream.taken.filter((line) => line !== "").at(-1)).toMatch(/^\d+ lost\n$/);
  });

  it("does not wait for one that takes nothing once it is told to give up", async () => {
    const lines = writer(new SlowReader());
    lines.write("a\n");
    const giveUp = new AbortController();
    const flushed = lines.flush(giveUp.signal);
    giveUp.abort();
    await flushed;
  });

  it("goes on without a reader that has gone", async () => {
    const stream = new SlowReader();
    const lines = writer(stream);
    lines.write("a\n");
    const flushed = lines.flush(NEVER);
    stream.destroy(Object.assign(new Error("broken pipe"), { code: "EPIPE" }));
    await flushed;
    lines.write("b\n");
    await lines.flush(NEVER);
    expect(stream.taken).toEqual(["a\n"]);
  });

  it("goes on without a file that can't be written to any more", () => {
    const stream = new SlowReader();
    stream.write = () => {
      throw new Error("no space left");
    };
    const lines = writer(stream);
    for (let i = 0; i < 2; i++) lines.write("a\n");
  });
});

describe("createLogger", () => {
  it("says in its own form that lines were left out", () => {
    const stream = new SlowReader({ highWaterMark: 1 });
    const { log } = setUp({ stream });
    for (let i = 0; i < 2000; i++) log.info("x".repeat(1000));
    stream.takeAll();
    log.info("there again");
    stream.takeAll();
    expect(JSON.parse(stream.taken.at(-2)!)).toMatchObject({
      level: 50,
      lost: expect.any(Number),
      msg: "log lines were left out: nobody read them in time",
    });
  });
});
