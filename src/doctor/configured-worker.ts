import type { Settings } from "../config/settings.js";
import type { WorkerAccess } from "../config/worker-access.js";
import { openTcp } from "../wire/tcp.js";
import { type Check, listed, verdicts } from "./check.js";

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
  const { ok, warning, failed } = verdicts("configured-worker", "configured worker");
  const { host, port } = worker;
  try {
    const { tls, warnings } = await readAccess();
    const { socket } = await openTcp({ host, port, tls }, withinMs, signal);
    socket.destroy();
    const found = `${host}:${port} takes connections${tls === undefined ? "" : " with TLS"}`;
    if (warnings.length === 0) return ok(found);
    return warning(`${found}; ${listed(warnings)}`, "Let nobody but its owner read it.");
  } catch (error) {
    if (signal.aborted) throw error;
    return failed(error);
  }
}
