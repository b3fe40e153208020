import { once } from "node:events";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { MetricsServer, type Served } from "./metrics-server.js";
import type { Health } from "./readiness.js";

const HERE = { host: "127.0.0.1", port: 0 };
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

class FakeServed implements Served {
  readonly contentType = "text/plain; version=0.0.4; charset=utf-8";
  state: Health = { ready: true, reason: "a frame was processed 0.1 s ago" };
  text: () => Promise<string> = async () => "ai_x 1\n";
  health = () => this.state;
}

async function setUp(requestWithinMs?: number) {
  const served = new FakeServed();
  const server = await MetricsServer.listen(HERE, served, requestWithinMs);
  cleanups.push(() => server.close());
  return { served, server, port: portOf(server) };
}

const portOf = (server: MetricsServer) => Number(server.address.split(":").at(-1));

interface Response {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

function ask(port: number, path: string, method = "GET", headers: Record<string, string> = {}) {
  return new Promise<Response>((resolve, reject) => {
    const asked = request({ host: HERE.host, port, path, method, headers }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    asked.on("error", reject).end();
  });
}

/** A connection that says what it is told to, and all that it was sent, once it is closed. */
async function open(port: number): Promise<{ socket: Socket; closed: Promise<string> }> {
  const socket = connect(port, HERE.host);
  cleanups.push(() => socket.destroy());
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk) => (text += chunk));
  socket.on("error", () => {});
  const closed = new Promise<string>((resolve) => socket.on("close", () => resolve(text)));
  await once(socket, "connect");
  return { socket, closed };
}

function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}

describe("MetricsServer", () => {
  it("serves the metrics, and each answer ends its connection", async () => {
    const { port } = await setUp();
    const { status, headers, body } = await ask(port, "/metrics?name=x");
    expect({ status, body }).toEqual({ status: 200, body: "ai_x 1\n" });
    expect(headers).toMatchObject({
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
      connection: "close",
      "cache-control": "no-store",
    });
    expect(await ask(port, "/metrics", "HEAD")).toMatchObject({ status: 200, body: "" });
  });

  it("says whether the process answers, and whether it does what it is for", async () => {
    const { port, served } = await setUp();
    expect(await ask(port, "/healthz")).toMatchObject({ status: 200, body: "ok\n" });
    expect(await ask(port, "/readyz")).toMatchObject({
      status: 200,
      body: "ready: a frame was processed 0.1 s ago\n",
    });
    served.state = { ready: false, reason: "cam: no result for 9.0 s" };
    expect(await ask(port, "/readyz")).toMatchObject({
      status: 503,
      body: "not ready: cam: no result for 9.0 s\n",
    });
    expect(await ask(port, "/healthz")).toMatchObject({ status: 200 });
  });

  it.each(["/", "/metrics/", "/favicon.ico", "/__proto__", "/%00"])("has no %s", async (path) => {
    const { port } = await setUp();
    expect(await ask(port, path)).toMatchObject({
      status: 404,
      body: "there is /metrics, /healthz, /readyz\n",
    });
  });

  it.each(["POST", "PUT", "DELETE", "OPTIONS"])("takes no %s", async (method) => {
    const { port } = await setUp();
    const { status, headers } = await ask(port, "/metrics", method);
    expect(status).toBe(405);
    expect(headers.allow).toBe("GET, HEAD");
  });

  it("answers with what went wrong in making the metrics, and goes on", async () => {
    const { port, served } = await setUp();
    const { text } = served;
    served.text = () => Promise.reject(new Error("no such figure"));
    expect(await ask(port, "/metrics")).toMatchObject({ status: 500, body: "no such figure\n" });
    served.text = text;
    expect(await ask(port, "/metrics")).toMatchObject({ status: 200 });
  });

  it("refuses headers that are too large, and what is no HTTP", async () => {
    const { port } = await setUp();
    expect(await ask(port, "/metrics", "GET", { a: "x".repeat(20_000) })).toMatchObject({ status: 431 });
    const { socket, closed } = await open(port);
    socket.write("\x16\x03\x01 hello\r\n\r\n");
    expect(await closed).toMatch(/^HTTP\/1\.1 400 /);
    expect(await ask(port, "/healthz")).toMatchObject({ status: 200 });
  });

  it("ends a connection whose request does not come, or comes a byte at a time", async () => {
    const { port } = await setUp(40);
    const [silent, slow] = [await open(port), await open(port)];
    slow.socket.write("GET /metrics HTTP/1.1\r\nHost: x\r\nA:");
    const drip = setInterval(() => slow.socket.write("b"), 5);
    cleanups.push(() => clearInterval(drip));
    for (const { closed } of [silent, slow]) expect(await closed).toMatch(/^HTTP\/1\.1 408 |^$/);
  });

  it("answers beside 100 idle connections, of which the oldest make room", async () => {
    const { port } = await setUp();
    const idle = [];
    for (let i = 0; i < 100; i++) idle.push(await open(port));
    expect(await ask(port, "/metrics")).toMatchObject({ status: 200 });
    await Promise.all(idle.slice(0, 68).map(({ closed }) => closed));
    expect(idle.at(-1)?.socket.destroyed).toBe(false);
  });

  it("lets an answer that is on its way arrive when it closes, and ends idle connections", async () => {
    const { port, served, server } = await setUp();
    const asked = deferred<undefined>();
    const made = deferred<string>();
    served.text = () => {
      asked.resolve(undefined);
      return made.promise;
    };
    const idle = await open(port);
    const answer = ask(port, "/metrics");
    await asked.promise;
    const closing = server.close();
    await idle.closed;
    await expect(ask(port, "/healthz")).rejects.toMatchObject({ code: "ECONNREFUSED" });
    made.resolve("ai_last 1\n");
    expect(await answer).toMatchObject({ status: 200, body: "ai_last 1\n" });
    await closing;
    await server.close();
  });

  it("closes though an answer never comes", async () => {
    const { port, served, server } = await setUp();
    const asked = deferred<undefined>();
    served.text = () => {
      asked.resolve(undefined);
      return new Promise(() => {});
    };
    const { socket, closed } = await open(port);
    socket.write("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    await asked.promise;
    await server.close();
    await closed;
  });

  it("says that a port is taken, and that a host is not this machine's", async () => {
    const { port, served } = await setUp();
    await expect(MetricsServer.listen({ ...HERE, port }, served)).rejects.toMatchObject({
      code: "LISTEN_FAILED",
      exitCode: 1,
      message: `metrics can't be served at 127.0.0.1:${port} (another program listens there)`,
    });
    await expect(MetricsServer.listen({ host: "192.0.2.1", port: 0 }, served)).rejects.toMatchObject({
      code: "LISTEN_FAILED",
      message: "metrics can't be served at 192.0.2.1:0 (EADDRNOTAVAIL)",
    });
    await expect(MetricsServer.listen({ host: "no-such.invalid", port: 1 }, served)).rejects.toMatchObject({
      code: "LISTEN_FAILED",
      message: expect.stringMatching(/^metrics can't be served at no-such\.invalid:1 \(E\w+\)$/),
    });
  });

  it("knows whether others can reach it", async () => {
    const served = new FakeServed();
    const { server } = await setUp();
    expect(server.isLocal).toBe(true);
    const everywhere = await MetricsServer.listen({ host: "0.0.0.0", port: 0 }, served);
    cleanups.push(() => everywhere.close());
    expect(everywhere.isLocal).toBe(false);
    const v6 = await MetricsServer.listen({ host: "::1", port: 0 }, served).catch(() => undefined);
    cleanups.push(() => v6?.close());
    // A machine may have no IPv6.
    if (v6 !== undefined) {
      expect(v6.isLocal).toBe(true);
      expect(v6.address).toMatch(/^\[::1\]:\d+$/);
    }
  });
});
