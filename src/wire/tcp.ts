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

/**
 * Opens one TCP connection, without Nagle's delay.
 * @param withinMs longest wait for the peer: one that drops what is sent to it never refuses
 * @throws WORKER_UNREACHABLE with the system's reason; the signal's reason when it aborts
 */
export function openTcp({ host, port }: Endpoint, withinMs: number, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const socket = connect({ host, port, noDelay: true });
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
      resolve(socket);
    };
    const onError = (error: Error) => giveUp(unreachable(systemCode(error) ?? error.message, error));
    const onAbort = () => giveUp(signal?.reason);
    const timer = setTimeout(() => giveUp(unreachable("ETIMEDOUT")), withinMs);
    signal?.addEventListener("abort", onAbort);
    socket.on("connect", onConnect).on("error", onError);
  });
}
