import { beforeEach, expect, it } from "vitest";
import type { InitOptions, WorkerInfo } from "../client/worker-client.js";
import { AiwError } from "../core/errors.js";
import { blankFrame } from "../testing/blank-frame.js";
import { FakeSink } from "../testing/fake-sink.js";
import { ManualClock } from "../testing/manual-clock.js";
import { TcpEngine } from "./tcp-engine.js";

let clock: ManualClock;
let sink: FakeSink;
let inits: InitOptions[];
let answerInit: (() => void) | undefined;
let refusal: AiwError | undefined;
let engine: TcpEngine;
let readies: number;

beforeEach(() => {
  clock = new ManualClock();
  sink = new FakeSink(clock);
  inits = [];
  refusal = undefined;
  readies = 0;
  const client = {
    linkState: "linked" as const,
    takeBack() {},
    init(options: InitOptions) {
      expect(sink.inFlight).toBeUndefined();
      inits.push(options);
      return new Promise<WorkerInfo>((resolve, reject) => {
        answerInit = () =>
          refusal === undefined
            ? resolve({ modelId: `id of ${options.modelPath}`, classNames: ["cat"] } as unknown as WorkerInfo)
            : reject(refusal);
      });
    },
  };
  engine = new TcpEngine(client, sink, clock, { camera: "door" });
  engine.onReady(() => readies++);
});

const frame = (seq: number) => ({ ...blankFrame(), seq, dueUs: 0, wallMs: 0 });
const turns = () => clock.advanceBy(1);

it("with a frame in flight holds the next ones, says Init after its answer, and then runs on", async () => {
  engine.run(frame(1));
  const set = engine.setModel({ model: "b.onnx", conf: 0.3 });
  await turns();
  expect(inits).toEqual([]);
  sink.answer({ detections: [] });
  expect([engine.canRun(), readies]).toEqual([false, 0]);
  await turns();
  expect(inits).toEqual([{ modelPath: "b.onnx", clientId: "aiw:door", confThreshold: 0.3 }]);
  expect(engine.canRun()).toBe(false);
  answerInit?.();
  expect(await set).toEqual({ modelId: "id of b.onnx", classNames: ["cat"] });
  expect([engine.canRun(), readies]).toEqual([true, 1]);
  expect(clock.pendingTimers).toBe(0);
});

it("goes on as it was after a refusal", async () => {
  refusal = new AiwError("WORKER_REFUSED", "no such model");
  const set = engine.setModel({ model: "c.onnx" });
  await turns();
  answerInit?.();
  await expect(set).rejects.toBe(refusal);
  expect([engine.canRun(), readies]).toEqual([true, 1]);
});

it("waits for a worker that is away, and no longer than 10 s", async () => {
  engine.run(frame(1));
  sink.cut();
  const late = engine.setModel({ model: "b.onnx" });
  const refused = expect(late).rejects.toMatchObject({
    code: "WORKER_TIMEOUT",
    message: "the worker of door is away or has not answered for 10 s",
  });
  await clock.advanceBy(10_000_000);
  await refused;
  expect(readies).toBe(0);

  const set = engine.setModel({ model: "b.onnx" });
  await clock.advanceBy(9_000_000);
  sink.giveCredit();
  await turns();
  answerInit?.();
  expect((await set).modelId).toBe("id of b.onnx");
  expect([inits.length, readies, clock.pendingTimers]).toEqual([1, 1, 0]);
});

it("of a worker that is gone says why", async () => {
  engine.run(frame(1));
  const set = expect(engine.setModel({ model: "b.onnx" })).rejects.toMatchObject({ code: "WORKER_LOST" });
  await turns();
  sink.lose();
  await set;
  await expect(engine.setModel({ model: "b.onnx" })).rejects.toBe(sink.lost);
  expect([inits.length, clock.pendingTimers]).toEqual([0, 0]);
});
