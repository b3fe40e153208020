import { connect, isIP, type Socket, type TcpNetConnectOpts } from "node:net";
import { connect as connectWithTls } from "node:tls";
import { AiwError, systemCode } from "../core/errors.js";
import { tlsTrouble } from "./tls-trouble.js";

/** What TLS is spoken with; each is PEM text. */
export interface TlsIdentity {
  /** Who may have signed the worker's certificate; by default those that Node knows. */
  readonly ca?: string | undefined;
  /** Our own certificate and its key, for a worker that asks for one. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Present where TLS is spoken; the worker's certificate has to be for `host`. */
  readonly tls?: TlsIdentity | undefined;
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
 * A connection, plain or of TLS, that reads into one buffer again and again: net.Socket's own reading allocates
 * 64 KiB for each answer, and takes it through a stream.
 */
export class TcpConnection {
  readonly socket: Socket;
  readonly isTls: boolean;
  private readonly buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  private take: ((bytes: Uint8Array) => void) | undefined;
  /** What came before anybody read: with the end of TLS' handshake the first answer may come. */
  private readonly early: Buffer[] = [];

  /** @throws TLS_FAILED where what `tls` gives can't be used */
  constructor({ host, port, tls }: Endpoint) {
    const callback = (count: number) => {
      const bytes = this.buffer.subarray(0, count);
      if (this.take === undefined) this.early.push(Buffer.from(bytes));
      else this.take(bytes);
      return true;
    };
    const options = { host, port, noDelay: true, onread: { buffer: this.buffer, callback } };
    this.isTls = tls !== undefined;
    this.socket = tls === undefined ? connect(options) : connectTls(options, tls);
    // The handshake has to be read.
    if (tls === undefined) this.socket.pause();
  }

  /** Begins to read. @param take gets the bytes that came; they are gone when it returns */
  read(take: (bytes: Uint8Array) => void): void {
    this.take = take;
    for (const bytes of this.early.splice(0)) take(bytes);
    this.socket.resume();
  }
}

function connectTls(options: TcpNetConnectOpts, tls: TlsIdentity): Socket {
  const { host = "" } = options;
  // The name in the certificate is checked against `host`; an address may not be sent as a server's name.
  const servername = isIP(host) === 0 ? { servername: host } : {};
  try {
    return connectWithTls({ ...options, ...tls, ...servername, minVersion: "TLSv1.2" });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AiwError("TLS_FAILED", `the certificates can't be used: ${why}`, { cause });
  }
}

/**
 * Opens one connection, without Nagle's delay; with TLS, shaken hands and the worker's certificate checked.
 * @param withinMs longest wait for the peer: one that drops what is sent to it never refuses
 * @throws WORKER_UNREACHABLE with the system's reason; TLS_FAILED; the signal's reason when it aborts
 */
export function openTcp(endpoint: Endpoint, withinMs: number, signal?: AbortSignal): Promise<TcpConnection> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const name = nameOf(endpoint);
    const connection = new TcpConnection(endpoint);
    const { socket, isTls } = connection;
    let isConnected = false;
    const unreachable = (reason: string, cause?: Error) => {
      const message = isConnected
        ? `the worker at ${name} did not shake hands (${reason}): if it does not speak TLS, name it without tls://`
        : `no worker answers at ${name} (${reason})`;
      return new AiwError("WORKER_UNREACHABLE", message, { cause });
    };
    const opened = isTls ? "secureConnect" : "connect";
    const release = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      socket.off(opened, onOpened).off("connect", onConnect).off("error", onError);
    };
    const giveUp = (reason: unknown) => {
      release();
      // What a peer says after we have gone is of no use, and unheard it would end the process.
      socket.on("error", () => {}).destroy();
      reject(reason);
    };
    const onConnect = () => {
      isConnected = true;
    };
    const onOpened = () => {
      release();
      resolve(connection);
    };
    const onError = (error: Error) =>
      giveUp(
        (isTls ? tlsTrouble(error, name) : undefined) ??
          unreachable(systemCode(error) ?? error.message, error),
      );
    const onAbort = () => giveUp(signal?.reason);
    const timer = setTimeout(() => giveUp(unreachable("ETIMEDOUT")), withinMs);
    signal?.addEventListener("abort", onAbort);
    socket.on("connect", onConnect).on(opened, onOpened).on("error", onError);
  });
}

/** "HOST:PORT", as people write it. */
export function nameOf({ host, port }: Endpoint): string {
  return `${host}:${port}`;
}
