import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { TableWorker, type TableWorkerScript } from "../testing/table-worker.js";
import { tempDir } from "../worker-process/testing/fakes.js";
import { checkCacheFolder } from "./cache-folder.js";
import { AiwError } from "../core/errors.js";
import { checkConfiguredWorker } from "./configured-worker.js";
import { checkModel, needsModel } from "./model.js";
import { checkNode } from "./node-version.js";
import { checkPort } from "./port.js";
import { checkSource } from "./source.js";

const { signal } = new AbortController();

it("Node.js", () => {
  expect(checkNode("v20.0.0").status).toBe("ok");
  expect(checkNode("v22.1.0").detail).toBe("22.1.0");
  expect(checkNode("v18.20.1")).toMatchObject({
    status: "failure",
    detail: expect.stringContaining("18.20.1"),
  });
});

describe("cache folder", () => {
  const plenty = async () => 50e9;

  it("is there, or can be made; nothing stays of the try", async () => {
    const dir = tempDir();
    expect(await checkCacheFolder({ cacheDir: dir, isMade: false, freeBytes: plenty })).toMatchObject({
      status: "ok",
      detail: `${dir}, 50.0 GB free`,
    });
    const deep = join(dir, "a", "b");
    expect(await checkCacheFolder({ cacheDir: deep, isMade: false, freeBytes: plenty })).toMatchObject({
      status: "ok",
      detail: expect.stringContaining("(not made yet)"),
    });
    expect(readdirSync(dir)).toEqual([]);
    // The real figure of this disk.
    expect((await checkCacheFolder({ cacheDir: dir, isMade: true })).detail).toMatch(/, \d+\.\d GB free/);
  });

  it("fails where it cannot be written, with AIW_CACHE as the way out", async () => {
    const dir = tempDir();
    writeFileSync(join(dir, "file"), "");
    const advice = expect.stringContaining("AIW_CACHE");
    expect(await checkCacheFolder({ cacheDir: join(dir, "file", "x"), isMade: false })).toMatchObject({
      status: "failure",
      detail: expect.stringContaining("is not a folder"),
      advice,
    });
    if (process.platform === "linux") {
      const proc = await checkCacheFolder({ cacheDir: "/proc/nowhere", isMade: false });
      expect(proc).toMatchObject({
        status: "failure",
        detail: expect.stringContaining("cannot be made in /proc"),
        advice,
      });
    }
    if (process.getuid?.() !== 0) {
      mkdirSync(join(dir, "locked"));
      chmodSync(join(dir, "locked"), 0o500);
      const locked = await checkCacheFolder({ cacheDir: join(dir, "locked"), isMade: false });
      expect(locked).toMatchObject({ status: "failure", detail: expect.stringContaining("EACCES"), advice });
    }
  });

  it("needs room for the environment, and little once that is made", async () => {
    const cacheDir = tempDir();
    const look = (isMade: boolean, free: number) =>
      checkCacheFolder({ cacheDir, isMade, freeBytes: async () => free });
    expect((await look(false, 0.5e9)).status).toBe("failure");
    expect((await look(true, 0.5e9)).status).toBe("ok");
    expect((await look(true, 1e6)).status).toBe("warning");
  });
});

/** A port that somebody has. */
async function takenPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  return (server.address() as AddressInfo).port;
}

/** A port that nobody has (any more). */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

it("port of aiw worker: free, taken by another, taken by the worker that is configured", async () => {
  const free = await freePort();
  expect(await checkPort({ bindPort: String(free), worker: undefined })).toMatchObject({
    status: "ok",
    detail: `127.0.0.1:${free} is free`,
  });
  const port = await takenPort();
  expect(await checkPort({ bindPort: String(port), worker: undefined })).toMatchObject({
    status: "warning",
    detail: expect.stringContaining("is taken by another program"),
    advice: expect.stringContaining("--port"),
  });
  expect((await checkPort({ bindPort: String(port), worker: { host: "127.0.0.1", port } })).status).toBe(
    "ok",
  );
  expect((await checkPort({ bindPort: String(port), worker: { host: "10.0.0.1", port } })).status).toBe(
    "warning",
  );
});

describe("configured worker", () => {
  const plain = () => Promise.resolve({ token: undefined, tls: undefined, warnings: [] });

  it("takes connections", async () => {
    const port = await takenPort();
    expect((await checkConfiguredWorker({ host: "127.0.0.1", port, tls: false }, plain, signal)).status).toBe(
      "ok",
    );
  });

  it("warns of what should be mended though it answers", async () => {
    const port = await takenPort();
    const leaky = async () => ({ ...(await plain()), warnings: ["others may use the token file t"] });
    const found = await checkConfiguredWorker({ host: "127.0.0.1", port, tls: false }, leaky, signal);
    expect(found).toMatchObject({ status: "warning", detail: expect.stringMatching(/takes .*; others may/) });
    expect(found.advice).toBeTruthy();
  });

  it("fails with the system's reason", async () => {
    const port = await freePort();
    expect(await checkConfiguredWorker({ host: "127.0.0.1", port, tls: false }, plain, signal)).toMatchObject(
      {
        status: "failure",
        detail: `no worker answers at 127.0.0.1:${port} (ECONNREFUSED)`,
        advice: expect.stringContaining("aiw worker"),
      },
    );
    const unreadable = () => Promise.reject(new AiwError("USAGE", "tls_ca x can't be read (ENOENT)"));
    expect(
      await checkConfiguredWorker({ host: "127.0.0.1", port, tls: true }, unreadable, signal),
    ).toMatchObject({ status: "failure", detail: "tls_ca x can't be read (ENOENT)" });
  });
});

describe("configured model", () => {
  async function load(script: TableWorkerScript) {
    const worker = await TableWorker.start(script);
    onTestFinished(() => worker.close());
    const endpoint = { host: "127.0.0.1", port: worker.port };
    return { worker, check: await checkModel({ endpoint, modelPath: "dir/m.onnx", settings: {}, signal }) };
  }

  it("is loaded as run loads it", async () => {
    const { worker, check } = await load({});
    expect(check).toMatchObject({ status: "ok", detail: "m.onnx loads: 2 classes, table 1.0" });
    expect(worker.received[0]?.req.init).toMatchObject({ model_path: "dir/m.onnx" });
  });

  it("fails with the worker's message, or with how the worker was lost", async () => {
    const refused = await load({
      onInit: (c) => c.sendResponse({ error: { code: 309, message: "m.onnx is of no known family" } }),
    });
    expect(refused.check).toMatchObject({
      status: "failure",
      detail: "m.onnx is of no known family",
      advice: expect.stringContaining("--model"),
    });
    const lost = await load({ onInit: (c) => c.socket.destroy() });
    expect(lost.check).toMatchObject({
      status: "failure",
      detail: expect.stringContaining("closed the connection"),
    });
  });
});

describe("no model", () => {
  it("is a failure where something is looked at that the built-in one does not know", () => {
    const check = needsModel({ kind: "source", uri: "rtsp://me:secret@cam/1?token=t" });
    expect(check).toMatchObject({ status: "failure", advice: expect.stringContaining("aiw init --model") });
    expect(check.detail).not.toMatch(/secret|token=t/);
  });
});

describe("configured sources", () => {
  const look = (kind: "source" | "camera", uri: string, ffmpeg?: string) =>
    checkSource({ kind, uri }, { settings: {}, ffmpeg, signal });

  it("give a frame, or are left alone", async () => {
    expect(await look("source", "synthetic:?seed=1")).toMatchObject({
      status: "ok",
      detail: expect.stringContaining("640x480"),
    });
    expect((await look("source", "-")).status).toBe("ok");
  });

  it("fail with what is wrong and the way out, without credentials", async () => {
    expect(await look("source", "/nope.jpg")).toMatchObject({
      status: "failure",
      detail: expect.stringContaining("/nope.jpg"),
    });
    expect(await look("camera", "/dev/video99")).toMatchObject({
      status: "failure",
      advice: expect.stringContaining("--camera"),
    });
    const stream = await look("source", "rtsp://me:s3cret@127.0.0.1:9/x?token=s3cret");
    expect(stream).toMatchObject({ status: "failure", detail: expect.stringContaining("ffmpeg") });
    expect(JSON.stringify(stream)).not.toContain("s3cret");
  });
});
