import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { Aedes, type AedesPublishPacket } from "aedes";
import type { AgentEvent, AgentEventName, WatchState } from "../../results/agent-event.js";

const SIZE = { width: 64, height: 48 };
const LATENCY = {
  ...{ total: 20_000, wait: 1, transport: null, queue: null },
  ...{ preprocess: null, inference: null, postprocess: null },
};

/** An event of this name; `n` tells it from others of its kind. */
export function eventOf(name: AgentEventName, n = 0, camera = "front"): AgentEvent {
  const base = { camera, wallMs: 1_700_000_000_000 + n };
  const session = `s${n}`;
  switch (name) {
    case "ai.detection":
      return {
        name,
        value: {
          ...{ ...base, seq: n, session: null, relevant: false, detections: [] },
          ...{ sent: SIZE, origin: SIZE, latency: LATENCY },
        },
      };
    case "ai.keepalive":
      return { name, value: { ...base, session, state: "active" } };
    case "session.open":
      return { name, value: { ...base, session, startWallMs: 0 } };
    case "session.close":
      return {
        name,
        value: { ...base, session, startWallMs: 0, reason: "silence", results: 1, byClass: {} },
      };
    case "camera.state":
      return { name, value: { ...base, state: "live", before: null, text: `t${n}` } };
    case "worker.state":
      return { name, value: { ...base, state: "ready", text: `t${n}` } };
    case "fsm.transition":
      return transition("active", n, camera);
  }
}

export function transition(to: WatchState, n = 0, camera = "front"): AgentEvent {
  const value = {
    camera,
    wallMs: 1_700_000_000_000 + n,
    from: "idle",
    to,
    because: "test",
    session: null,
  } as const;
  return { name: "fsm.transition", value };
}

export const never = (): AbortSignal => new AbortController().signal;
export const atOnce = (): AbortSignal => AbortSignal.abort();

/** A promise that the test resolves, and waits for. */
export function signal<T = void>(): { readonly seen: Promise<T>; readonly give: (value: T) => void } {
  let give: (value: T) => void = () => {};
  const seen = new Promise<T>((resolve) => (give = resolve));
  return { seen, give };
}

/** A port that nobody listens on: one that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

export interface Received {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly url: string | undefined;
}

/** A receiver of webhooks; `answer` is given each request with its number from 0, and answers it or does not. */
export async function receiver(answer: (response: ServerResponse, n: number) => void) {
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      received.push({ headers: request.headers, body, url: request.url });
      answer(response, received.length - 1);
    });
  });
  let connections = 0;
  server.on("connection", (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    received,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    open: () => sockets.size,
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      if (server.listening) await once(server, "close");
    },
  };
}

/** A broker on a port of loopback that may go, and come back with nothing of what it knew. */
export class TestBroker {
  readonly packets: AedesPublishPacket[] = [];
  /** User name and password of each that has asked to be let in. */
  readonly asked: (string | undefined)[][] = [];
  lets = true;
  private broker: Aedes | undefined;
  private server: ReturnType<typeof createTcpServer> | undefined;
  private readonly sockets = new Set<Socket>();

  constructor(readonly port: number) {}

  async start(): Promise<void> {
    const broker = await Aedes.createBroker({
      authenticate: (_client, username, password, done) => {
        this.asked.push([username, password?.toString()]);
        if (this.lets) done(null, true);
        else done(Object.assign(new Error("no"), { returnCode: 5 }), false);
      },
    });
    broker.on("publish", (packet, client) => {
      // Its own are about its heartbeat; a last will has no client any more.
      if (client !== null || !packet.topic.startsWith("$SYS")) this.packets.push(packet);
    });
    this.broker = broker;
    this.server = createTcpServer((socket) => {
      this.sockets.add(socket);
      socket.on("error", () => {}).on("close", () => this.sockets.delete(socket));
      broker.handle(socket);
    });
    this.server.listen(this.port, "127.0.0.1");
    await once(this.server, "listening");
  }

  /** As if it were killed. */
  async stop(): Promise<void> {
    const { server, broker } = this;
    this.server = this.broker = undefined;
    if (server === undefined || broker === undefined) return;
    for (const socket of this.sockets) socket.destroy();
    server.close();
    await once(server, "close");
    await new Promise<void>((resolve) => broker.close(resolve));
  }

  /** Cuts all connections, and goes on. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  get open(): number {
    return this.sockets.size;
  }

  /** Payloads of this topic, in the order in which they came. */
  payloads(topic: string): string[] {
    return this.packets.filter((packet) => packet.topic === topic).map(({ payload }) => payload.toString());
  }
}
