import { createServer as createPlainServer } from "node:net";
import { createServer, type TlsOptions } from "node:tls";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { authority, type Identity, identity } from "../testing/certificates.js";
import { extendedEnvelope, TableWorker } from "../testing/table-worker.js";
import type { TlsIdentity } from "../wire/tcp.js";
import { WorkerClient } from "./worker-client.js";

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

let ca: Identity;
let server: Identity;
let client: Identity;

beforeAll(async () => {
  ca = await authority();
  server = await identity(ca, ["127.0.0.1", "localhost"]);
  client = await identity(ca, ["client"]);
});

/** A worker that speaks TLS as the options say, or plain without them. */
async function worker(options?: TlsOptions): Promise<TableWorker> {
  const made = options === undefined ? createPlainServer() : createServer(options);
  // What a refused handshake says is what the client's test is about.
  made.on("tlsClientError", () => {});
  const started = await TableWorker.start({}, { server: made, envelope: extendedEnvelope() });
  cleanups.push(() => started.close());
  return started;
}

async function open(port: number, tls: TlsIdentity | undefined, host = "127.0.0.1", token?: string) {
  const opened = await WorkerClient.connectOnce({ host, port, tls, token }, 30_000);
  cleanups.push(() => opened.shutdown());
  return { opened, info: await opened.init({ modelPath: "m.onnx" }) };
}

describe("a client with TLS", () => {
  it.each(["127.0.0.1", "localhost"])("serves frames over it, to %s, with its token", async (host) => {
    const started = await worker(server);
    const { opened, info } = await open(started.port, { ca: ca.cert }, host, "S3CR3T");
    expect(info).toMatchObject({ runtime: "table 1.0" });
    const answer = new Promise((resolve) => opened.onResult(resolve));
    const data = Buffer.alloc(3 * 640 * 480, 7);
    opened.sendFrame({
      ...{ seq: 1, data, width: 640, height: 480, format: "rgb24", dueUs: 0, wallMs: 0 },
      release() {},
    });
    expect(await answer).toMatchObject({ seq: 1, outcome: { detections: [] } });
    const [init, frame] = started.received;
    expect(init?.req.init.token).toBe("S3CR3T");
    expect(Buffer.compare(frame?.req.frame.data, data)).toBe(0);
  });

  it("shows its own certificate to a worker that asks for one", async () => {
    const started = await worker({ ...server, ca: ca.cert, requestCert: true, rejectUnauthorized: true });
    const { info } = await open(started.port, { ca: ca.cert, ...client });
    expect(info).toMatchObject({ runtime: "table 1.0" });
  });

  it("says that a certificate is asked for, where it has none", async () => {
    const started = await worker({ ...server, ca: ca.cert, requestCert: true, rejectUnauthorized: true });
    await expect(open(started.port, { ca: ca.cert })).rejects.toMatchObject({
      code: "TLS_FAILED",
      message: expect.stringMatching(
        /^the worker at 127\.0\.0\.1:\d+ asks for a certificate .*--tls-cert and --tls-key/,
      ),
    });
  });

  it("says that its certificate is not accepted", async () => {
    const stranger = await identity(await authority("other"), ["client"]);
    const started = await worker({ ...server, ca: ca.cert, requestCert: true, rejectUnauthorized: true });
    // Node's server closes; OpenSSL's own refusal is an alert.
    await expect(open(started.port, { ca: ca.cert, ...stranger })).rejects.toThrow(
      /not accept .*certificate/,
    );
  });

  it("refuses a certificate that nobody known has signed", async () => {
    const started = await worker(server);
    for (const tls of [{}, { ca: (await authority()).cert }]) {
      await expect(open(started.port, tls)).rejects.toMatchObject({
        code: "TLS_FAILED",
        message: expect.stringContaining("is signed by none that is known"),
      });
    }
    expect(started.received).toEqual([]);
  });

  it("refuses a certificate for another name", async () => {
    const started = await worker(await identity(ca, ["elsewhere.test"]));
    await expect(open(started.port, { ca: ca.cert })).rejects.toMatchObject({
      code: "TLS_FAILED",
      message: expect.stringMatching(/is for another name: .*127\.0\.0\.1/),
    });
    expect(started.received).toEqual([]);
  });

  it("refuses a certificate whose time is over", async () => {
    const started = await worker(await identity(ca, ["127.0.0.1"], Date.UTC(2020, 0)));
    await expect(open(started.port, { ca: ca.cert })).rejects.toMatchObject({
      code: "TLS_FAILED",
      message: expect.stringContaining("is not valid now (CERT_HAS_EXPIRED)"),
    });
  });

  it("says that its own key is none", async () => {
    await expect(open(1, { cert: client.cert, key: "not a key" })).rejects.toMatchObject({
      code: "TLS_FAILED",
      message: expect.stringContaining("the certificates can't be used"),
    });
  });

  it("says that a worker is plain", async () => {
    const plain = createPlainServer((socket) => {
      socket.on("error", () => {});
      // As a worker does that takes a ClientHello for a message.
      socket.once("data", () =>
        socket.end(Buffer.from([20, 0, 0, 0, ...Buffer.from("an Error, then the end")])),
      );
    });
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => new Promise((resolve) => plain.close(resolve)));
    const { port } = plain.address() as { port: number };
    await expect(open(port, { ca: ca.cert })).rejects.toMatchObject({
      code: "TLS_FAILED",
      message: expect.stringMatching(
        /^the worker at 127\.0\.0\.1:\d+ does not speak TLS .* without tls:\/\/$/,
      ),
    });
  });

  it("says so too of one that closes at once", async () => {
    const plain = createPlainServer((socket) =>
      socket
        .on("error", () => {})
        .resume()
        .end(),
    );
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => new Promise((resolve) => plain.close(resolve)));
    const { port } = plain.address() as { port: number };
    await expect(open(port, { ca: ca.cert })).rejects.toMatchObject({
      code: "WORKER_UNREACHABLE",
      message: expect.stringMatching(
        /did not shake hands .*: if it does not speak TLS, name it without tls:\/\/$/,
      ),
    });
  });
});

describe("a plain client", () => {
  it("is told that the worker speaks TLS", async () => {
    const started = await worker(server);
    await expect(open(started.port, undefined)).rejects.toThrow(`name it tls://127.0.0.1:${started.port}`);
  });

  it("is told so by an alert that comes in TLS", async () => {
    const alert = createPlainServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 70])));
    });
    await new Promise<void>((resolve) => alert.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => new Promise((resolve) => alert.close(resolve)));
    const { port } = alert.address() as { port: number };
    await expect(open(port, undefined)).rejects.toMatchObject({
      code: "TLS_FAILED",
      message: `the worker at 127.0.0.1:${port} speaks TLS: name it tls://127.0.0.1:${port}`,
    });
  });
});
