import type { Clock } from "../core/clock.js";
import { AiwError, systemCode, toAiwError } from "../core/errors.js";
import { decodeWorkerMessage, encodeHeartbeat } from "../wire/codec.js";
import { MessageSplitter } from "../wire/framing.js";
import type { WorkerMessage } from "../wire/messages.js";
import type { TcpConnection } from "../wire/tcp.js";
import { looksLikeTls, tlsTrouble } from "../wire/tls-trouble.js";
import { LinkMonitor } from "./link-monitor.js";

/** Largest message that a worker may send, bytes: names of some thousand classes, some thousand boxes. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** How long `end` waits for the worker to close its side, milliseconds. */
const CLOSE_WAIT_MS = 500;

/** Who is told what comes over a link. */
export interface LinkListener {
  onMessage(message: WorkerMessage): void;
  /** The link was lost; `how` completes "the worker …". Called at most once, and not after `close` or `end`. */
  onLost(how: string): void;
  /** The worker broke the protocol, or `onMessage` threw. The link is still open. */
  onBroken(error: AiwError): void;
}

/** The bytes of one connection: messages in and out, and its heartbeat. What they mean is the client's. */
export class WorkerLink {
  private readonly splitter = new MessageSplitter(MAX_MESSAGE_BYTES);
  private readonly monitor: LinkMonitor;
  private readonly socket: TcpConnection["socket"];
  private isOpen = true;
  private hasHeard = false;

  constructor(
    private readonly connection: TcpConnection,
    private readonly name: string,
    clock: Clock,
    private readonly listener: LinkListener,
  ) {
    const { socket } = connection;
    this.socket = socket;
    const watched = {
      sendHeartbeat: () => this.send(encodeHeartbeat(clock.nowUs())),
      onDead: (silentUs: number) => this.lose(`sent nothing for ${Math.round(silentUs / 1e6)} s`),
    };
    this.monitor = new LinkMonitor(watched, clock);
    this.monitor.start();
    socket.on("error", (error) => this.onError(error));
    socket.on("close", () => this.lose(`closed the connection${this.silenceHint()}`));
    connection.read((bytes) => this.receive(bytes));
  }

  /** @param message whole, with its length prefix */
  send(message: Uint8Array): void {
    if (this.socket.writable) this.socket.write(message);
    this.monitor.sent();
  }

  /**
   * Writes a header and the untouched buffer behind it.
   * @param onWritten called once when the buffer is free again, also when the link is lost before
   */
  sendWithBuffer(header: Uint8Array, buffer: Uint8Array, onWritten: () => void): void {
    this.socket.cork();
    this.send(header);
    this.socket.write(buffer, onWritten);
    this.socket.uncork();
  }

  /** Gives the connection up at once. */
  close(): void {
    this.isOpen = false;
    this.monitor.stop();
    this.socket.destroy();
  }

  /** Says a last message and waits a moment for the worker to close its side as well. */
  async end(message: Uint8Array): Promise<void> {
    this.isOpen = false;
    this.monitor.stop();
    if (this.socket.destroyed) return;
    const closed = new Promise<void>((resolve) => this.socket.once("close", () => resolve()));
    this.socket.end(message);
    const timer = setTimeout(() => this.socket.destroy(), CLOSE_WAIT_MS);
    await closed;
    clearTimeout(timer);
  }

  private onError(error: Error): void {
    const trouble = this.connection.isTls ? tlsTrouble(error, this.name) : undefined;
    if (trouble !== undefined && this.isOpen) this.listener.onBroken(trouble);
    else this.lose(`broke the connection (${systemCode(error) ?? error.message})${this.silenceHint()}`);
  }

  /** What it may mean that a worker gives a connection up without a word. */
  private silenceHint(): string {
    if (this.hasHeard) return "";
    const hint = this.connection.isTls
      ? "it may not accept our certificate, see --tls-cert"
      : `if it speaks TLS, name it tls://${this.name}`;
    return ` without a word (${hint})`;
  }

  private receive(chunk: Uint8Array): void {
    this.monitor.received();
    if (!this.hasHeard && !this.connection.isTls && looksLikeTls(chunk)) {
      const message = `the worker at ${this.name} speaks TLS: name it tls://${this.name}`;
      return this.listener.onBroken(new AiwError("TLS_FAILED", message));
    }
    this.hasHeard = true;
    try {
      for (const bytes of this.splitter.push(chunk)) {
        if (!this.isOpen) return;
        this.listener.onMessage(decodeWorkerMessage(bytes));
      }
    } catch (error) {
      this.listener.onBroken(toAiwError(error));
    }
  }

  private lose(how: string): void {
    if (!this.isOpen) return;
    this.close();
    this.listener.onLost(how);
  }
}
