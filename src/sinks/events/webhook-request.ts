import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { after, type Clock } from "../../core/clock.js";
import { systemCode } from "../../core/errors.js";

/** From the first byte of a request to the answer's status, microseconds. */
const ANSWER_WITHIN_US = 10_000_000;
/** What an answer has to say beyond its status is read for so long and so far only, microseconds and bytes. */
const BODY_WITHIN_US = 1_000_000;
const MAX_BODY_BYTES = 64 * 1024;

/** What became of one request. */
export type Answer =
  | { readonly kind: "answered"; readonly status: number; readonly retryAfter: string | undefined }
  /** Nobody is there: it never left. */
  | { readonly kind: "away"; readonly reason: string }
  /** It was sent, and no answer came; whether it was read is not known. */
  | { readonly kind: "unanswered"; readonly reason: string }
  /** The kept connection was closed by the other side before it: to be sent again at once. */
  | { readonly kind: "stale" };

export interface PostOptions {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Posts to one URL, one request at a time, over a connection that is kept. Redirects are answers as any other, and
 * what an answer says beyond its status is thrown away.
 */
export class WebhookRequest {
  private readonly agent: HttpAgent;
  private current: ClientRequest | undefined;

  constructor(
    private readonly url: URL,
    private readonly clock: Clock,
  ) {
    const Agent = url.protocol === "https:" ? HttpsAgent : HttpAgent;
    this.agent = new Agent({ keepAlive: true, maxSockets: 1 });
  }

  /** Resolves with what became of it, in bounded time; never rejects. */
  post({ body, headers }: PostOptions): Promise<Answer> {
    const isTls = this.url.protocol === "https:";
    const request = (isTls ? httpsRequest : httpRequest)(this.url, {
      method: "POST",
      agent: this.agent,
      headers,
    });
    this.current = request;
    return new Promise((resolve) => {
      let isConnected = false;
      let isAnswered = false;
      let problem: string | undefined;
      const cancel = after(this.clock, ANSWER_WITHIN_US, () => {
        problem = "no answer in time";
        request.destroy();
      });
      request.on("socket", (socket) => {
        if (!socket.connecting) isConnected = true;
        else socket.once(isTls ? "secureConnect" : "connect", () => (isConnected = true));
      });
      request.on("response", (response) => {
        cancel();
        isAnswered = true;
        const { statusCode: status = 0, headers: answered } = response;
        const retryAfter = answered["retry-after"];
        void this.throwAway(response).then(() => resolve({ kind: "answered", status, retryAfter }));
      });
      // Also after the answer, where its connection breaks: its status counts all the same.
      request.on("error", (error) => {
        cancel();
        if (isAnswered) return;
        const code = systemCode(error);
        const reason = problem ?? code ?? "connection failed";
        if (request.reusedSocket && (code === "ECONNRESET" || code === "EPIPE") && problem === undefined) {
          resolve({ kind: "stale" });
        } else {
          resolve({ kind: isConnected ? "unanswered" : "away", reason });
        }
      });
      // Destroyed by us it has no error.
      request.on("close", () => {
        cancel();
        if (!isAnswered) resolve({ kind: "unanswered", reason: problem ?? "given up" });
      });
      request.end(body);
    });
  }

  /** Ends the request that is under way, and gives up the connection: nothing of it keeps the process alive. */
  close(): void {
    this.current?.destroy();
    this.agent.destroy();
  }

  /** A body that doesn't end, or is slow, costs the connection and nothing else. */
  private throwAway(response: IncomingMessage): Promise<void> {
    return new Promise((resolve) => {
      let bytes = 0;
      const cancel = after(this.clock, BODY_WITHIN_US, () => response.destroy());
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_BODY_BYTES) response.destroy();
      });
      response.on("error", () => {});
      response.on("close", () => {
        cancel();
        resolve();
      });
    });
  }
}
