import { once } from "node:events";
import { afterEach, beforeEach, expect, it } from "vitest";
import { extendedEnvelope, type TableConnection, TableWorker } from "../testing/table-worker.js";
import type { CommandContext } from "./command-context.js";
import { type EngineMaker, workerEngines } from "./agent-engines.js";
import { Machine } from "./machine.js";

const quiet = { isLive: false, step() {}, show() {}, note() {}, clear() {} };
const context: CommandContext = {
  env: {},
  debug: false,
  progress: quiet,
  interrupt: new AbortController().signal,
  onHangUp() {},
};

let worker: TableWorker;
let engines: EngineMaker;
/** Which connection asked for which threshold, in percent, and as who: "0:35 aiw:a". */
let inits: string[];
let models: string[];
let refuses: (connection: number, percent: number) => boolean;

beforeEach(async () => {
  inits = [];
  models = [];
  refuses = () => false;
  worker = await TableWorker.start(
    {
      onInit(connection, init) {
        const number = worker.connections.indexOf(connection);
        const percent = Math.round(Number(init["conf_threshold"]) * 100);
        inits.push(`${number}:${percent} ${String(init["client_id"])}`);
        models.push(String(init["model_path"]));
        if (refuses(number, percent)) connection.sendResponse({ error: { code: 400, message: "no" } });
        else connection.initOk();
      },
    },
    { envelope: extendedEnvelope() },
  );
  const settings = {
    worker: { host: "127.0.0.1", port: worker.port, tls: false },
    model: "m.onnx",
    conf: 0.35,
  };
  engines = await workerEngines(settings, "a", context, new Machine(context, context.interrupt, {}));
  inits.length = 0;
});
afterEach(async () => {
  await engines.close();
  await worker.close();
});

const closed = (connection: TableConnection | undefined) =>
  connection?.socket.destroyed
    ? Promise.resolve()
    : once(connection?.socket ?? worker.connections[0]!.socket, "close");

it("gives the first camera the session that is there, and again once it is free", async () => {
  const a = await engines.open("a");
  const b = await engines.open("b");
  expect(inits).toEqual(["1:35 aiw:b"]);
  await a.close();
  inits.length = 0;
  const c = await engines.open("c");
  expect([inits, c.link === a.link]).toEqual([["0:35 aiw:c"], true]);
  await b.close();
  await closed(worker.connections[1]);
});

it("leaves nothing open of an engine that the worker refuses", async () => {
  await engines.open("a");
  await engines.setModel({ model: "m.onnx", conf: 0.4 });
  // Its first Init is as at the start, its second as things are now.
  refuses = (number, percent) => number === 1 && percent === 40;
  await expect(engines.open("b")).rejects.toMatchObject({ code: "WORKER_REFUSED" });
  await closed(worker.connections[1]);
  inits.length = 0;
  await engines.setModel({ model: "m.onnx", conf: 0.5 });
  expect(inits).toEqual(["0:50 aiw:a"]);
});

it("has the first session again after the worker refused whose it is", async () => {
  refuses = () => true;
  await expect(engines.open("b")).rejects.toMatchObject({ code: "WORKER_REFUSED" });
  refuses = () => false;
  await engines.open("b");
  expect([inits, worker.connections.length]).toEqual([["0:35 aiw:b", "0:35 aiw:b"], 1]);
});

it("opens sessions with what is wanted now, not with what the agent was started with", async () => {
  await engines.open("a");
  await engines.setModel({ model: "n.onnx", conf: 0.4 });
  inits.length = 0;
  await engines.open("b");
  expect(inits).toEqual(["1:40 aiw:b"]);
  expect(models.at(-1)).toBe("n.onnx");
});

it("has one that is lost while others are set back come back with the former settings", async () => {
  const a = await engines.open("a");
  await engines.open("b");
  inits.length = 0;
  refuses = (number, percent) => {
    if (percent !== 70) return false;
    // The link of the one that has taken it breaks before it is set back.
    if (number === 1) worker.connections[0]?.socket.destroy();
    return number === 1;
  };
  await expect(engines.setModel({ model: "m.onnx", conf: 0.7 })).rejects.toMatchObject({
    code: "WORKER_REFUSED",
  });
  const back = inits.length;
  if (a.engine.isAway) await new Promise<void>((resolve) => a.engine.onReady(resolve));
  expect(inits.slice(0, 2).sort()).toEqual(["0:70 aiw:a", "1:70 aiw:b"]);
  expect(inits.length).toBeGreaterThan(back - 1);
  expect(inits.at(-1)).toBe("2:35 aiw:a");
});

it("leaves no listener on the session that is used again", async () => {
  let listeners = 0;
  for (let n = 0; n < 5; n++) {
    const one = await engines.open(`camera ${n}`);
    one.engine.onReady(() => listeners++);
    await one.close();
  }
  const last = await engines.open("last");
  await last.close();
  expect(listeners).toBe(0);
});

it("sets all engines back where one of them is refused, and keeps what was", async () => {
  await engines.open("a");
  await engines.open("b");
  inits.length = 0;
  refuses = (number, percent) => number === 1 && percent === 70;
  await expect(engines.setModel({ model: "m.onnx", conf: 0.7 })).rejects.toMatchObject({
    code: "WORKER_REFUSED",
  });
  expect(inits).toEqual(["0:70 aiw:a", "1:70 aiw:b", "0:35 aiw:a"]);
  expect(engines.settings).toEqual({ model: "m.onnx", conf: 0.35, iou: undefined });
  inits.length = 0;
  await engines.open("c");
  expect(inits).toEqual(["2:35 aiw:c"]);
});
