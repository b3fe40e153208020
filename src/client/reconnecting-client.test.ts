import { afterEach, describe, expect, it } from "vitest";
import { AiwError } from "../core/errors.js";
import type { OutgoingFrame } from "../pipeline/frame-sink.js";
import { isExact } from "../pipeline/ledger.js";
import { Stream } from "../pipeline/stream.js";
import { blankFrame } from "../testing/blank-frame.js";
import { ManualClock } from "../testing/manual-clock.js";
import { extendedEnvelope, TableWorker, type TableWorkerScript } from "../testing/table-worker.js";
import { ReconnectingClient, type ReconnectOptions } from "./reconnecting-client.js";
import { WorkerClient } from "./worker-client.js";

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const UNREACHABLE = new AiwError("WORKER_UNREACHABLE", "no worker answers");

/** A value that the test waits for: each `next` gives one that came, or comes. */
class Heard<T> {
  private readonly values: T[] = [];
  private readonly waiting: ((value: T) => void)[] = [];

  say = (value: T) => {
    const waiting = this.waiting.shift();
    if (waiting === undefined) this.values.push(value);
    else waiting(value);
  };

  next(): Promise<T> {
    if (this.values.length === 0) return new Promise((resolve) => this.waiting.push(resolve));
    return Promise.resolve(this.values.shift() as T);
  }
}

interface SetUp extends Partial<ReconnectOptions> {
  readonly script?: TableWorkerScript;
}

/** A session with a worker; `dials` is what happens to each dial after the first, by default it succeeds. */
async function setUp({ script = {}, ...options }: SetUp = {}) {
  const clock = new ManualClock();
  const worker = await TableWorker.start(script, { envelope: extendedEnvelope() });
  const dials: (AiwError | undefined)[] = [];
  const dialledAtUs: number[] = [];
  const away = new Heard<AiwError>();
  const back = new Heard<unknown>();
  let isFirst = true;
  const client = await ReconnectingClient.connect({
    dial(signal) {
      if (!isFirst) dialledAtUs.push(clock.nowUs());
      const failure = isFirst ? undefined : dials.shift();
      isFirst = false;
      if (failure !== undefined) return Promise.reject(failure);
      return WorkerClient.connectOnce({ host: "127.0.0.1", port: worker.port, clock, signal }, 10_000);
    },
    giveUpAfterMs: 60_000,
    clock,
    random: () => 0.5,
    onAway: away.say,
    onBack: back.say,
    ...options,
  });
  cleanups.push(async () => {
    await client.shutdown();
    await worker.close();
  });
  const cut = () => worker.connections.at(-1)?.socket.destroy();
  return { clock, worker, client, dials, dialledAtUs, away, back, cut };
}

const init = { modelPath: "m.onnx", confThreshold: 0.25, classes: [1] };
const frame = (seq: number): OutgoingFrame => ({
  ...{ seq, data: Buffer.alloc(12), width: 2, height: 2, format: "rgb24" as const },
  ...{ dueUs: 0, wallMs: 0, release() {} },
});
const nextLoss = (client: ReconnectingClient) => new Promise<AiwError>((resolve) => client.onLost(resolve));
const kinds = (worker: TableWorker) =>
  worker.received.flatMap(({ req }) => (req === undefined ? [] : Object.keys(req)));

describe("ReconnectingClient", () => {
  it("repeats the Init that was accepted, with the session's id, before any frame", async () => {
    const { clock, worker, client, away, back, cut } = await setUp({
      script: {
        onInit(c) {
          c.sendResponse({ init_ok: { session_id: "s-1", model_id: "aa" } });
          c.sendResponse({ ready: { seq: 0 } });
        },
        onFrame: (c, f) => (f.seq === 1 ? c.socket.destroy() : c.result(f)),
      },
    });
    const stream = new Stream(client, clock);
    expect(client).toMatchObject({ linkState: "opening", inits: 0 });
    await client.init(init);
    expect(client).toMatchObject({ linkState: "linked", inits: 1 });
    stream.offer(blankFrame(), 0);
    stream.offer(blankFrame(), 0);
    expect(await away.next()).toMatchObject({ code: "WORKER_LOST" });
    expect(client).toMatchObject({ linkState: "away", inits: 1 });
    expect(client.canSend()).toBe(false);
    expect(stream.counts()).toMatchObject({ inFlight: 1, dropped: { disconnected: 1 } });
    const idle = stream.whenIdle();
    await clock.advanceBy(500_000);
    await back.next();
    await idle;
    expect(stream.counts()).toMatchObject({ offered: 2, results: 1, inFlight: 0 });
    expect(isExact(stream.counts())).toBe(true);
    expect(kinds(worker)).toEqual(["init", "frame", "init", "frame"]);
    const [first, second] = worker.received.flatMap(({ req }) => req?.init ?? []);
    expect(first).toMatchObject({ model_path: "m.onnx", classes_filter: [1] });
    expect(first).not.toHaveProperty("session_id");
    expect(second).toEqual({ ...first, session_id: "s-1" });
    expect(client).toMatchObject({ reconnects: 1, linkState: "linked", inits: 2 });
    expect(client.lost).toBeUndefined();
    cut();
    await away.next();
    await clock.advanceBy(500_000);
    await back.next();
    expect(client.reconnects).toBe(2);
  });

  it("waits with exponential backoff and full jitter, which start over with a session", async () => {
    const { clock, client, dials, dialledAtUs, away, back, cut } = await setUp();
    await client.init(init);
    for (let round = 0; round < 2; round++) {
      dials.push(UNREACHABLE, UNREACHABLE, UNREACHABLE, UNREACHABLE);
      cut();
      await away.next();
      const cutUs = clock.nowUs();
      await clock.advanceBy(7_750_000);
      await back.next();
      // Half of 0.5, 1, 2, 4 and 8 s, one after the other.
      expect(dialledAtUs.splice(0).map((us) => (us - cutUs) / 1000)).toEqual([250, 750, 1750, 3750, 7750]);
      for (let n = 0; n < 4; n++) expect(await away.next()).toBe(UNREACHABLE);
    }
  });

  it("was reached and lost: says what broke the link, for how long it was tried, and the last attempt", async () => {
    const { clock, client, dials, cut } = await setUp();
    await client.init(init);
    const loss = nextLoss(client);
    dials.push(...Array<AiwError>(100).fill(UNREACHABLE));
    const cutSeen = new Promise<void>((resolve) => client.onCut(() => resolve()));
    cut();
    await cutSeen;
    await clock.advanceBy(59_999_999);
    expect(client.lost).toBeUndefined();
    await clock.advanceBy(1);
    expect(await loss).toMatchObject({
      code: "WORKER_LOST",
      message: expect.stringMatching(
        /^the worker at 127.0.0.1:\d+ .* connection.*, and did not come back in \d+ attempts within 60 s; the last: no worker answers$/,
      ),
    });
    expect(client.lost).toBe(await loss);
    expect(clock.pendingTimers).toBe(0);
  });

  it("never reached: the first dial's own error", async () => {
    const dial = () => Promise.reject(UNREACHABLE);
    await expect(ReconnectingClient.connect({ dial, giveUpAfterMs: 60_000 })).rejects.toBe(UNREACHABLE);
  });

  it("refused with a reason that trying again does not mend: ends with that reason", async () => {
    let inits = 0;
    const { clock, client, away, cut } = await setUp({
      script: {
        onInit: (c) =>
          inits++ === 0
            ? c.initOk()
            : c.sendResponse({ error: { code: 1, name: "TOKEN_WRONG", message: "not that token" } }),
      },
    });
    await client.init(init);
    const loss = nextLoss(client);
    cut();
    await away.next();
    await clock.advanceBy(250_000);
    expect(await loss).toMatchObject({ code: "WORKER_REFUSED", workerName: "TOKEN_WRONG" });
  });

  it("refused for now: not before the time that the worker names", async () => {
    let inits = 0;
    const busy = {
      error: { code: 1, name: "POOL_FULL", message: "full", retryable: true, retry_after_ms: 5000 },
    };
    const { clock, client, dialledAtUs, away, back, cut } = await setUp({
      script: { onInit: (c) => (inits++ === 1 ? c.sendResponse(busy) : c.initOk()) },
    });
    await client.init(init);
    cut();
    await away.next();
    const cutUs = clock.nowUs();
    await clock.advanceBy(250_000);
    expect(await away.next()).toMatchObject({ workerName: "POOL_FULL", retryAfterMs: 5000 });
    await clock.advanceBy(60_000_000);
    await back.next();
    expect(dialledAtUs.map((us) => (us - cutUs) / 1000)).toEqual([250, 5750]);
  });

  it("refused for now at the start: another connection after the time that the worker names", async () => {
    let inits = 0;
    // Asked for when the wait is worked out, just before it begins.
    const waits = new Heard<void>();
    const { clock, client, worker } = await setUp({
      random() {
        waits.say();
        return 0.5;
      },
      script: {
        onInit(c) {
          if (inits++ > 0) return c.initOk();
          c.sendResponse({ error: { code: 1, message: "too many", retryable: true, retry_after_ms: 2000 } });
          c.socket.end();
        },
      },
    });
    const opened = client.init(init);
    await waits.next();
    await clock.advanceBy(2_250_000);
    await expect(opened).resolves.toMatchObject({ runtime: "table 1.0" });
    expect(worker.connections).toHaveLength(2);
  });

  it("refused for longer than a start may take: the worker's reason", async () => {
    const error = { code: 1, message: "too many", retryable: true, retry_after_ms: 20_000 };
    const { client } = await setUp({ script: { onInit: (c) => c.sendResponse({ error }) } });
    await expect(client.init(init)).rejects.toMatchObject({ code: "WORKER_REFUSED", message: "too many" });
  });

  it("takes a new session where the worker does not know the old one any more", async () => {
    let inits = 0;
    const { clock, client, away, back, cut, worker } = await setUp({
      script: {
        onInit(c) {
          if (inits++ === 1)
            return c.sendResponse({ error: { code: 1, name: "SESSION_UNKNOWN", message: "gone" } });
          c.sendResponse({ init_ok: { session_id: `s-${inits}` } });
          c.sendResponse({ ready: { seq: 0 } });
        },
      },
    });
    await client.init(init);
    cut();
    await away.next();
    await clock.advanceBy(250_000);
    await away.next();
    // At once: it is there.
    await clock.advanceBy(0);
    await back.next();
    const ids = worker.received.flatMap(({ req }) => (req?.init ? [req.init.session_id ?? ""] : []));
    expect(ids).toEqual(["", "s-1", ""]);
  });

  it("does not go on with another model under the same name", async () => {
    let inits = 0;
    const { clock, client, away, cut } = await setUp({
      script: {
        onInit(c) {
          c.sendResponse({ init_ok: { model_id: inits++ === 0 ? "aa".repeat(32) : "bb".repeat(32) } });
          c.sendResponse({ ready: { seq: 0 } });
        },
      },
    });
    await client.init(init);
    const loss = nextLoss(client);
    cut();
    await away.next();
    await clock.advanceBy(250_000);
    expect(await loss).toMatchObject({ message: expect.stringContaining("another model") });
  });

  it("comes back with the model that was asked for last", async () => {
    const asked = new Heard<string>();
    const { clock, client, back, away, cut } = await setUp({
      script: {
        onInit(c, { model_path }) {
          asked.say(model_path);
          c.sendResponse({ init_ok: { model_id: model_path } });
          c.sendResponse({ ready: { seq: 0 } });
        },
      },
    });
    await client.init(init);
    await client.init({ ...init, modelPath: "other.onnx" });
    cut();
    await away.next();
    await clock.advanceBy(250_000);
    await back.next();
    for (const model of ["m.onnx", "other.onnx", "other.onnx"]) expect(await asked.next()).toBe(model);
    expect(client.info).toMatchObject({ modelId: "other.onnx" });
  });

  it("told not to try, it is lost at once, with what broke the link", async () => {
    const { client, clock, cut } = await setUp({ giveUpAfterMs: 0 });
    await client.init(init);
    const loss = nextLoss(client);
    cut();
    expect(await loss).toMatchObject({
      code: "WORKER_LOST",
      message: expect.not.stringContaining("attempts"),
    });
    expect(clock.pendingTimers).toBe(0);
  });

  it("shut down while it is away, it dials no more", async () => {
    const { clock, client, dialledAtUs, away, cut } = await setUp();
    await client.init(init);
    cut();
    await away.next();
    await client.shutdown();
    await clock.advanceBy(60_000_000);
    expect(dialledAtUs).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
    expect(client.canSend()).toBe(false);
  });

  it("shut down while it waits for InitOk, it gives that connection up", async () => {
    let inits = 0;
    const asked = new Heard<void>();
    const { clock, client, worker, away, cut } = await setUp({
      script: { onInit: (c) => (inits++ === 0 ? c.initOk() : asked.say()) },
    });
    await client.init(init);
    cut();
    await away.next();
    await clock.advanceBy(250_000);
    await asked.next();
    const closed = new Promise((resolve) => worker.connections.at(-1)?.socket.once("close", resolve));
    await client.shutdown();
    await closed;
    expect(client.lost).toBeUndefined();
  });

  it("sends nothing over a link that is away", async () => {
    const { client, away, cut } = await setUp();
    await client.init(init);
    cut();
    await away.next();
    expect(client.canSend()).toBe(false);
    expect(() => client.sendFrame(frame(1))).toThrow();
  });
});
