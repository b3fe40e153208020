import { connect, type Socket } from "node:net";
import { AiwError, systemCode } from "../core/errors.js";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Both ends of a connection, as the system writes addresses. */
export interface Ends {
  readonly localAddress?: string | undefined;
  readonly remoteAddress?: string | undefined;
}

/** Whether a connection stays on this machine: then its bytes cost a copy, and no network. */
export function staysHere({ localAddress, remoteAddress = "" }: Ends): boolean {
  return remoteAddress === localAddress || /^(::ffff:)?127\.|^::1$/.test(remoteAddress);
}

/** More than any answer of a worker but InitOk. */
const READ_BYTES = 64 * 1024;

/**
 * A connection that reads into one buffer again and again: net.Socket's own reading allocates 64 KiB for each
 * answer, and takes it through a stream.
 */
export class TcpConnection {
  readonly socket: Socket;
  private readonly buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  private take: (bytes: Uint8Array) => void = () => {};

  constructor({ host, port }: Endpoint) {
    const callback = (count: number) => {
      this.take(this.buffer.subarray(0, count));
      return true;
    };
    this.socket = connect({ host, port, noDelay: true, onread: { buffer: this.buffer, callback } });
    this.socket.pause();
  }

  /** Begins to read. @param take gets the bytes that came; they are gone when it returns */
  read(take: (bytes: Uint8Array) => void): void {
    this.take = take;
    this.socket.resume();
  }
}

/**
 * Opens one TCP connection, without Nagle's delay.
 * @param withinMs longest wait for the peer: one that drops what is sent to it never refuses
 * @throws WORKER_UNREACHABLE with the system's reason; the signal's reason when it aborts
 */
export function openTcp(
  { host, port }: Endpoint,
  withinMs: number,
  signal?: AbortSignal,
): Promise<TcpConnection> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const connection = new TcpConnection({ host, port });
    const { socket } = connection;
    const unreachable = (reason: string, cause?: Error) =>
      new AiwError("WORKER_UNREACHABLE", `no worker answers at ${host}:${port} (${reason})`, { cause });
    const release = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      socket.off("connect", onConnect).off("error", onError);
    };
    const giveUp = (reason: unknown) => {
      release();
      socket.destroy();
      reject(reason);
    };
    const onConnect = () => {
      release();
      resolve(connection);
    };
    const onError = (error: Error) => giveUp(unreachable(systemCode(error) ?? error.message, error));
    const onAbort = () => giveUp(signal?.reason);
    const timer = setTimeout(() => giveUp(unreachable("ETIMEDOUT")), withinMs);
    signal?.addEventListener("abort", onAbort);
    socket.on("connect", onConnect).on("error", onError);
  });
}
