import type { Settings } from "../config/settings.js";
import type { WorkerAccess } from "../config/worker-access.js";
import { openTcp } from "../wire/tcp.js";
import { type Check, verdicts } from "./check.js";

/** One that drops what is sent to it never refuses, milliseconds. */
const CONNECT_WITHIN_MS = 4_000;

/**
 * Whether somebody answers where the settings say that a worker is. One attempt, so that the reason is
 * the system's own; that it is a worker, and what it can do, the model's check tells.
 */
export async function checkConfiguredWorker(
  worker: NonNullable<Settings["worker"]>,
  readAccess: () => Promise<WorkerAccess>,
  signal: AbortSignal,
  withinMs = CONNECT_WITHIN_MS,
): Promise<Check> {
  const { ok, failed } = verdicts("configured-worker", "configured worker");
  const { host, port } = worker;
  try {
    const { tls } = await readAccess();
    const { socket } = await openTcp({ host, port, tls }, withinMs, signal);
    socket.destroy();
    return ok(`${host}:${port} takes connections${tls === undefined ? "" : " with TLS"}`);
  } catch (error) {
    if (signal.aborted) throw error;
    return failed(error);
  }
}
