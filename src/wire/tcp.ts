import { connect, type Socket } from "node:net";
import { AiwError, systemCode } from "../core/errors.js";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * Opens one TCP connection, without Nagle's delay.
 * @throws WORKER_UNREACHABLE with the system's reason; the signal's reason when it aborts
 */
export function openTcp({ host, port }: Endpoint, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const socket = connect({ host, port, noDelay: true });
    const settle = (end: () => void) => {
      socket.removeAllListeners();
      signal?.removeEventListener("abort", onAbort);
      end();
    };
    const onAbort = () => {
      socket.destroy();
      settle(() => reject(signal?.reason));
    };
    signal?.addEventListener("abort", onAbort);
    socket.once("connect", () => settle(() => resolve(socket)));
    socket.once("error", (error) => {
      settle(() => {
        const reason = systemCode(error) ?? error.message;
        const message = `no worker answers at ${host}:${port} (${reason})`;
        reject(new AiwError("WORKER_UNREACHABLE", message, { cause: error }));
      });
    });
  });
}
