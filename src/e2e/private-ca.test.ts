import { once } from "node:events";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, type Server } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, expect, it, vi } from "vitest";
import { freePort, TestBroker } from "../sinks/events/testing.js";
import { authority, identity } from "../testing/certificates.js";
import { startAiw } from "./aiw.js";
import { scratchFolder } from "./scratch-folder.js";

const { folder, file } = scratchFolder("private-ca");
const SOMEBODY = file("somebody.yaml", "[{from: 0, until: 3600, class: person}]");
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(async () => {
    server.close();
    await once(server, "close");
  });
  return (server.address() as AddressInfo).port;
}

/** A broker and a receiver of webhooks whose certificates an authority of the house has signed. */
async function houseServices() {
  const ca = await authority();
  const { cert, key } = await identity(ca, ["127.0.0.1"]);
  const broker = new TestBroker(await freePort());
  await broker.start();
  ends.push(() => broker.stop());
  const front = createTlsServer({ cert, key }, (socket) => {
    const behind = connect(broker.port, "127.0.0.1");
    for (const one of [socket, behind]) one.on("error", () => {});
    socket.pipe(behind).pipe(socket);
  }).on("tlsClientError", () => {});
  const posted: string[] = [];
  const receiver = createHttpsServer({ cert, key }, (request, response) => {
    posted.push(String(request.headers["x-aiw-event"]));
    response.writeHead(204).end();
  }).on("tlsClientError", () => {});
  const outs = [
    `mqtts://127.0.0.1:${await portOf(front)}/yard`,
    `webhook:https://127.0.0.1:${await portOf(receiver)}/`,
  ];
  return { ca: file("ca.pem", ca.cert), broker, posted, outs };
}

function startAgent(outs: readonly string[], env: NodeJS.ProcessEnv) {
  const flags = [
    "--source",
    "synthetic:",
    "--simulate",
    SOMEBODY,
    "--dwell",
    "0s",
    "--sessions-dir",
    `${folder}/sessions`,
  ];
  const agent = startAiw(["agent", ...flags, ...outs.flatMap((out) => ["--out", out])], env);
  ends.push(async () => {
    agent.child.kill("SIGTERM");
    await agent.finished;
  });
  return agent;
}

it("an authority of one's own is trusted by name of its file, for brokers and for webhooks", async () => {
  const { ca, broker, posted, outs } = await houseServices();
  startAgent(outs, { NODE_EXTRA_CA_CERTS: ca });
  await vi.waitFor(() => {
    expect(posted).toContain("session.open");
    expect(broker.payloads("yard/synthetic/session").join("")).toContain("session.open");
  }, 20_000);
});

it("and not without it", async () => {
  const { broker, posted, outs } = await houseServices();
  const agent = startAgent(outs, { NODE_EXTRA_CA_CERTS: "" });
  await agent.says(/mqtts:\S+ is not reached \(/);
  await agent.says(/webhook:\S+ does not answer \(/);
  expect([posted, broker.open]).toEqual([[], 0]);
});
