import { afterEach, describe, expect, it } from "vitest";
import type { AiwError } from "../core/errors.js";
import type { FrameAnswer, OutgoingFrame } from "../pipeline/frame-sink.js";
import { ManualClock } from "../testing/manual-clock.js";
import { TableWorker, type TableWorkerScript } from "../testing/table-worker.js";
import { WorkerClient } from "./worker-client.js";

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function connected(script: TableWorkerScript = {}, clock?: ManualClock) {
  const worker = await TableWorker.start(script);
  const warnings: string[] = [];
  let onWarned = () => {};
  const nextWarning = () =>
    new Promise<void>((resolve) => {
      onWarned = resolve;
    });
  const client = await WorkerClient.connect({
    host: "127.0.0.1",
    port: worker.port,
    onWarning(text) {
      warnings.push(text);
      onWarned();
    },
    ...(clock === undefined ? {} : { clock }),
  });
  cleanups.push(async () => {
    await client.shutdown();
    await worker.close();
  });
  return { worker, client, warnings, nextWarning };
}

function frame(seq: number, size = 2 * 2 * 3): OutgoingFrame & { released: number } {
  return {
    seq,
    data: Buffer.alloc(size, seq),
    width: 2,
    height: 2,
    format: "rgb24",
    dueUs: 123_456_789,
    wallMs: Date.UTC(2026, 10, 22, 10),
    released: 0,
    release() {
      this.released++;
    },
  };
}

/** Any byte keeps a link alive: here an answer to a frame that was not sent, which the client warns of. */
async function fiveSecondsOn(
  { worker, nextWarning }: Awaited<ReturnType<typeof connected>>,
  clock: ManualClock,
): Promise<void> {
  const warned = nextWarning();
  worker.connections[0]?.sendResponse({ result: { seq: 99 } });
  await warned;
  await clock.advanceBy(5_000_000);
}

const credit = (client: WorkerClient) =>
  new Promise<void>((resolve) => {
    if (client.canSend()) return resolve();
    client.onCredit(() => resolve());
  });
const nextAnswer = (client: WorkerClient) =>
  new Promise<FrameAnswer>((resolve) => {
    const off = client.onResult((answer) => {
      off();
      resolve(answer);
    });
  });
const nextLoss = (client: WorkerClient) => new Promise<AiwError>((resolve) => void client.onLost(resolve));

describe("WorkerClient against a worker that knows only the wire's table", () => {
  it("opens a session, sends a frame untouched and gets its detections", async () => {
    const { worker, client } = await connected({
      onFrame: (c, f) => c.result(f, [{ cls: "dog", conf: 0.5, bbox: { x: 1, y: 2, w: 3, h: 4 } }]),
    });
    const info = await client.init({ modelPath: "m.onnx", confThreshold: 0.25, classes: [1] });
    expect(info).toMatchObject({ runtime: "table 1.0", classNames: ["cat", "dog"], family: "", threads: 0 });
    await credit(client);
    const answer = nextAnswer(client);
    const sent = frame(7);
    client.sendFrame(sent);
    expect(client.canSend()).toBe(false);
    expect((await answer).outcome).toEqual({
      detections: [
        { className: "dog", classId: 1, confidence: 0.5, box: { x: 1, y: 2, w: 3, h: 4 }, trackId: null },
      ],
    });
    expect((await answer).stages).toBeUndefined();
    expect(client.canSend()).toBe(true);
    expect(sent.released).toBe(1);
    const [init, received] = worker.received;
    expect(init?.req.init).toMatchObject({ model_path: "m.onnx", classes_filter: [1] });
    expect(received?.req.frame).toMatchObject({
      seq: "7",
      ts_iso: "2026-11-22T10:00:00.000Z",
      ts_mono_ns: "123456789000",
      width: 2,
      height: 2,
      pix_fmt: "RGB",
    });
    expect(Buffer.from(received?.req.frame.data)).toEqual(sent.data);
  });

  it("sends a large frame whole, header and pixels", async () => {
    const { worker, client } = await connected();
    await client.init({ modelPath: "m.onnx" });
    await credit(client);
    const answer = nextAnswer(client);
    const sent = frame(1, 3 * 1920 * 1080);
    client.sendFrame(sent);
    await answer;
    expect(Buffer.compare(worker.received[1]?.req.frame.data, Buffer.from(sent.data))).toBe(0);
  });

  it("keeps nanoseconds exact beyond 2^53", async () => {
    const { worker, client } = await connected();
    await client.init({ modelPath: "m.onnx" });
    await credit(client);
    const answer = nextAnswer(client);
    client.sendFrame({ ...frame(1), dueUs: 9_007_199_254_740_991 });
    await answer;
    expect(worker.received[1]?.req.frame.ts_mono_ns).toBe("9007199254740991000");
  });

  it("takes an Error without a seq as one about the frame in flight, and waits for Ready", async () => {
    const { worker, client } = await connected({
      onFrame: (c) => c.sendResponse({ error: { code: 4, message: "bad frame" } }),
    });
    await client.init({ modelPath: "m.onnx" });
    await credit(client);
    const answer = nextAnswer(client);
    client.sendFrame(frame(3));
    expect(await answer).toMatchObject({ seq: 3, outcome: { error: { code: "WORKER_REFUSED" } } });
    expect(client.canSend()).toBe(false);
    worker.connections[0]?.sendResponse({ ready: { seq: 3 } });
    await credit(client);
    expect(client.canSend()).toBe(true);
  });

  it("rejects Init with the worker's reason and can try another", async () => {
    let tries = 0;
    const { client } = await connected({
      onInit: (c) =>
        tries++ === 0 ? c.sendResponse({ error: { code: 2, message: "no model x" } }) : c.initOk(),
    });
    await expect(client.init({ modelPath: "x" })).rejects.toThrow("no model x");
    await expect(client.init({ modelPath: "y" })).resolves.toMatchObject({ runtime: "table 1.0" });
  });

  it("keeps its session and credit when another Init is refused", async () => {
    let inits = 0;
    const { client } = await connected({
      onInit: (c) =>
        inits++ === 0 ? c.initOk() : c.sendResponse({ error: { code: 2, message: "no model x" } }),
    });
    await client.init({ modelPath: "m.onnx" });
    await expect(client.init({ modelPath: "x" })).rejects.toThrow("no model x");
    expect(client.canSend()).toBe(true);
    expect(client.info).toMatchObject({ runtime: "table 1.0" });
  });

  it("leaves out detections that are not numbers", async () => {
    const bbox = { x: 1, y: 2, w: 3, h: 4 };
    const { client } = await connected({
      onFrame: (c, f) =>
        c.result(f, [
          { cls: "cat", conf: Number.NaN, bbox },
          { cls: "cat", conf: 0.5, bbox: { ...bbox, w: Number.POSITIVE_INFINITY } },
          { cls: "dog", conf: 0.5, bbox },
        ]),
    });
    await client.init({ modelPath: "m.onnx" });
    const answer = nextAnswer(client);
    client.sendFrame(frame(1));
    expect((await answer).outcome).toMatchObject({ detections: [{ className: "dog" }] });
  });

  it("ignores an answer to a frame that is not in flight", async () => {
    const { worker, client, warnings } = await connected();
    await client.init({ modelPath: "m.onnx" });
    await credit(client);
    const answer = nextAnswer(client);
    worker.connections[0]?.sendResponse({ result: { seq: 99 } });
    client.sendFrame(frame(1));
    expect((await answer).seq).toBe(1);
    expect(warnings).toEqual(["the worker answered frame 99, which is not in flight"]);
  });

  it("says that the worker was lost when it goes with a frame in flight", async () => {
    const { client } = await connected({ onFrame: (c) => c.socket.destroy() });
    await client.init({ modelPath: "m.onnx" });
    await credit(client);
    const loss = nextLoss(client);
    const sent = frame(1);
    client.sendFrame(sent);
    expect(await loss).toMatchObject({ code: "WORKER_LOST" });
    expect(client.canSend()).toBe(false);
    expect(sent.released).toBe(1);
    await expect(client.init({ modelPath: "m.onnx" })).rejects.toMatchObject({ code: "WORKER_LOST" });
  });

  it("rejects a pending Init when the worker goes", async () => {
    const { client } = await connected({ onInit: (c) => c.socket.destroy() });
    await expect(client.init({ modelPath: "m.onnx" })).rejects.toMatchObject({ code: "WORKER_LOST" });
  });

  it.each([
    ["garbage", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["a length over the cap", Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ["bytes that are no message", Buffer.from([2, 0, 0, 0, 0x0a, 0x7f])],
  ])("gives up on %s with one clear error", async (_, bytes) => {
    const { client } = await connected({ onInit: (c) => void c.socket.write(bytes) });
    await expect(client.init({ modelPath: "m.onnx" })).rejects.toMatchObject({ code: "PROTOCOL" });
  });

  it("refuses a frame over the worker's limit, and a format that it does not take, before sending", async () => {
    const { client } = await connected({
      onInit: (c) => {
        c.sendResponse({ init_ok: { max_frame_bytes: 100 } });
        c.sendResponse({ ready: {} });
      },
    });
    await client.init({ modelPath: "m.onnx" });
    await credit(client);
    expect(() => client.sendFrame(frame(1, 101))).toThrow("has 101 bytes, the worker takes 100");
    expect(() => client.sendFrame({ ...frame(1), format: "i420" })).toThrow("the worker takes RGB, not I420");
    expect(client.canSend()).toBe(true);
  });

  it("sends Heartbeats in silence, and takes a link without a byte for 10 s for dead", async () => {
    const clock = new ManualClock();
    const { worker, client } = await connected({}, clock);
    const loss = nextLoss(client);
    await clock.advanceBy(2_000_000);
    await worker.whenReceived((message) => message.hb !== undefined);
    // The worker has answered it: wait for that byte to arrive before time moves on.
    await client.init({ modelPath: "m.onnx" });
    worker.connections[0]?.socket.pause();
    await clock.advanceBy(9_999_999);
    expect(client.canSend()).toBe(true);
    await clock.advanceBy(1);
    expect(await loss).toMatchObject({ message: expect.stringContaining("sent nothing for 10 s") });
    expect(clock.pendingTimers).toBe(0);
  });

  it("gives up a frame that is never answered, though the link is alive", async () => {
    const clock = new ManualClock();
    const link = await connected({ onFrame: () => {} }, clock);
    const { worker, client } = link;
    await client.init({ modelPath: "m.onnx" });
    const loss = nextLoss(client);
    client.sendFrame(frame(5));
    await worker.whenReceived((message) => message.req?.frame !== undefined);
    for (let waitedS = 0; waitedS < 60; waitedS += 5) {
      await fiveSecondsOn(link, clock);
      expect(client.lost === undefined).toBe(waitedS < 55);
    }
    expect(await loss).toMatchObject({
      code: "WORKER_TIMEOUT",
      message: expect.stringContaining("frame 5 within 60 s"),
    });
  });

  it.each([
    ["an Init", "answered Init", 300, {}],
    ["the Ready behind InitOk", "said Ready", 60, { initOk: true }],
  ])(
    "gives up %s that never comes, though the link is alive",
    async (_, what, seconds, { initOk }: { initOk?: boolean }) => {
      const clock = new ManualClock();
      let asked = () => {};
      const isAsked = new Promise<void>((resolve) => {
        asked = resolve;
      });
      const link = await connected(
        {
          onInit(c) {
            if (initOk) c.sendResponse({ init_ok: {} });
            asked();
          },
        },
        clock,
      );
      const { client } = link;
      const opening = client.init({ modelPath: "m.onnx" });
      const failed = expect(opening).rejects.toMatchObject({
        code: "WORKER_TIMEOUT",
        message: expect.stringMatching(new RegExp(`is alive but has not ${what} within ${seconds} s$`)),
      });
      await isAsked;
      for (let at = 0; at < seconds; at += 5) {
        expect(client.lost).toBeUndefined();
        await fiveSecondsOn(link, clock);
      }
      await failed;
      expect(clock.pendingTimers).toBe(0);
    },
  );

  it("gives up the Ready behind an Error that never comes", async () => {
    const clock = new ManualClock();
    const link = await connected(
      { onFrame: (c, f) => c.sendResponse({ error: { code: 1, message: `bad ${f.seq}` } }) },
      clock,
    );
    const { client } = link;
    await client.init({ modelPath: "m.onnx" });
    const answer = nextAnswer(client);
    client.sendFrame(frame(1));
    await answer;
    const loss = nextLoss(client);
    for (let at = 0; at < 60; at += 5) await fiveSecondsOn(link, clock);
    expect(await loss).toMatchObject({ code: "WORKER_TIMEOUT" });
  });

  it("takes its own standstill for nobody's death", async () => {
    const clock = new ManualClock();
    const { client } = await connected({}, clock);
    await client.init({ modelPath: "m.onnx" });
    // As when a laptop's lid was shut: no timer fires for a minute, then those that are due, late.
    clock.jumpBy(60_000_000);
    await clock.advanceBy(0);
    expect(client.lost).toBeUndefined();
    expect(client.canSend()).toBe(true);
  });

  it("says End at shutdown, and shutting down twice is fine", async () => {
    const { worker, client } = await connected();
    await client.init({ modelPath: "m.onnx" });
    await client.shutdown();
    await client.shutdown();
    await worker.whenReceived((message) => message.req?.end !== undefined);
  });
});

describe("WorkerClient.connect", () => {
  it("tries again while nobody answers, and names host, port and attempts in the end", async () => {
    const worker = await TableWorker.start();
    const { port } = worker;
    await worker.close();
    const error = WorkerClient.connect({ host: "127.0.0.1", port, reachWithinMs: 50 });
    await expect(error).rejects.toMatchObject({ code: "WORKER_UNREACHABLE" });
    await expect(error).rejects.toThrow(`no worker answers at 127.0.0.1:${port} (ECONNREFUSED)`);
  });

  it("stops trying when it is aborted", async () => {
    const worker = await TableWorker.start();
    const { port } = worker;
    await worker.close();
    const abort = new AbortController();
    const attempt = WorkerClient.connect({ host: "127.0.0.1", port, signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(attempt).rejects.toThrow("enough");
  });
});
