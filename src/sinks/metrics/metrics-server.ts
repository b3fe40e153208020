import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isIPv6, type Socket } from "node:net";
import { AiwError, systemCode } from "../../core/errors.js";
import type { Health } from "./readiness.js";

/** Where to listen. */
export interface ListenAddress {
  readonly host: string;
  /** 0 is a free one. */
  readonly port: number;
}

/** What is served. */
export interface Served {
  readonly contentType: string;
  text(): Promise<string>;
  health(): Health;
}

/** Connections at once; the oldest makes room for one more, so that no idle ones keep a scraper out. */
const MAX_CONNECTIONS = 32;
/** A scraper's request has some hundred bytes. */
const MAX_HEADER_BYTES = 8 * 1024;
/** Within which a request has to be there, milliseconds. */
const REQUEST_WITHIN_MS = 5_000;
/** What an answer on its way has at the end to be taken, milliseconds. */
const ANSWER_WITHIN_MS = 500;

const TEXT = "text/plain; charset=utf-8";

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Serves /metrics, /healthz and /readyz over HTTP. Each answer ends its connection: a scrape every few seconds is
 * worth no connection that is kept. It keeps no process alive.
 */
export class MetricsServer {
  private readonly sockets = new Set<Socket>();
  private readonly answering = new Set<Socket>();
  private closed: Promise<void> | undefined;

  private constructor(
    private readonly server: Server,
    private readonly served: Served,
  ) {
    server.on("connection", (socket) => this.onConnection(socket));
    server.on("request", (request, response) => void this.onRequest(request, response));
    server.unref();
  }

  /**
   * Resolves when it listens.
   * @param requestWithinMs how long a peer may take for its request
   * @throws LISTEN_FAILED with the system's reason
   */
  static async listen(
    { host, port }: ListenAddress,
    served: Served,
    requestWithinMs = REQUEST_WITHIN_MS,
  ): Promise<MetricsServer> {
    const server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: requestWithinMs,
      requestTimeout: requestWithinMs,
      connectionsCheckingInterval: requestWithinMs / 4,
    });
    const metrics = new MetricsServer(server, served);
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => reject(listenFailed(host, port, error)));
      server.listen({ host, port }, resolve);
    });
    // What goes wrong from now on is of one connection, and that is closed.
    server.on("error", () => {});
    return metrics;
  }

  /** As it is in a URL: "127.0.0.1:9464", "[::1]:9464". */
  get address(): string {
    const { host, port } = this.bound();
    return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  }

  /** Whether only this machine can reach it. */
  get isLocal(): boolean {
    return /^(::ffff:)?127\.|^::1$/.test(this.bound().host);
  }

  /** Lets answers that are on their way arrive, and ends everything else; idempotent. */
  close(): Promise<void> {
    this.closed ??= new Promise((resolve) => {
      const force = setTimeout(() => this.server.closeAllConnections(), ANSWER_WITHIN_MS);
      this.server.close(() => {
        clearTimeout(force);
        resolve();
      });
      for (const socket of this.sockets) if (!this.answering.has(socket)) socket.destroy();
    });
    return this.closed;
  }

  private bound(): ListenAddress {
    const address = this.server.address();
    // Null once it is closed; a path it never is.
    if (address === null || typeof address === "string") return { host: "", port: 0 };
    return { host: address.address, port: address.port };
  }

  private onConnection(socket: Socket): void {
    const [oldest] = this.sockets;
    if (oldest !== undefined && this.sockets.size >= MAX_CONNECTIONS) this.drop(oldest);
    this.sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.drop(socket));
  }

  private drop(socket: Socket): void {
    this.sockets.delete(socket);
    this.answering.delete(socket);
    socket.destroy();
  }

  private async onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    this.answering.add(socket);
    const { status, type, body, headers = {} } = await this.answerTo(request);
    const bytes = Buffer.from(body);
    response.writeHead(status, {
      "Content-Type": type,
      "Content-Length": bytes.length,
      "Cache-Control": "no-store",
      Connection: "close",
      ...headers,
    });
    // Of HEAD the body is left out by Node.
    response.end(bytes);
  }

  private async answerTo({ method = "", url = "" }: IncomingMessage): Promise<Answer> {
    const [path = ""] = url.split("?");
    const answer = PAGES.get(path);
    if (answer === undefined) {
      return { status: 404, type: TEXT, body: `there is ${[...PAGES.keys()].join(", ")}\n` };
    }
    if (method !== "GET" && method !== "HEAD") {
      return { status: 405, type: TEXT, body: "GET and HEAD only\n", headers: { Allow: "GET, HEAD" } };
    }
    try {
      return await answer(this.served);
    } catch (error) {
      return { status: 500, type: TEXT, body: `${error instanceof Error ? error.message : String(error)}\n` };
    }
  }
}

type Page = (served: Served) => Answer | Promise<Answer>;

const PAGES: ReadonlyMap<string, Page> = new Map<string, Page>([
  ["/metrics", async (served) => ({ status: 200, type: served.contentType, body: await served.text() })],
  ["/healthz", () => ({ status: 200, type: TEXT, body: "ok\n" })],
  [
    "/readyz",
    (served) => {
      const { ready, reason } = served.health();
      const [status, word] = ready ? [200, "ready"] : [503, "not ready"];
      return { status, type: TEXT, body: `${word}: ${reason}\n` };
    },
  ],
]);

function listenFailed(host: string, port: number, cause: Error): AiwError {
  const address = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const reason = systemCode(cause) ?? cause.message;
  const why = reason === "EADDRINUSE" ? "another program listens there" : reason;
  return new AiwError("LISTEN_FAILED", `metrics can't be served at ${address} (${why})`, { cause });
}
