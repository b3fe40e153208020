import { setTimeout as delay } from "node:timers/promises";
import { AiwError, systemCode } from "../core/errors.js";
import type { EnvSlot } from "./env-store.js";
import { interrupted } from "./run-command.js";

/** A holder that was killed is taken for dead after this long without a sign of life. */
const STALE_MS = 10_000;
const SIGN_OF_LIFE_MS = 2_000;
const POLL_MS = 200;
/** Longest wait for another command's download. */
const MAX_WAIT_MS = 30 * 60_000;

/**
 * Runs `work` while no other process makes the same environment. While another one does, waits for it,
 * and returns what `done` finds as soon as that is something. A holder that was suspended may find that
 * it no longer holds the lock; slots are laid out so that this costs a second download and no more.
 * @param onWait called once, when there is someone to wait for.
 * @throws AiwError ENV_LOCKED after half an hour, ENV_FAILED (lock cannot be made), INTERRUPTED.
 */
export async function withEnvLock<T>(
  slot: EnvSlot,
  done: () => T | undefined,
  work: () => Promise<T>,
  onWait: () => void,
  signal?: AbortSignal,
): Promise<T> {
  // Loaded only here, as it costs more than all the rest of the usual, ready case.
  const { lock } = (await import("proper-lockfile")).default;
  const options = {
    lockfilePath: slot.lockPath,
    realpath: false,
    stale: STALE_MS,
    update: SIGN_OF_LIFE_MS,
    onCompromised: () => undefined,
  };
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    if (signal?.aborted) throw interrupted(signal);
    let release: () => Promise<void>;
    try {
      release = await lock(slot.dir, options);
    } catch (cause) {
      if (systemCode(cause) !== "ELOCKED") {
        throw new AiwError("ENV_FAILED", `cannot lock ${slot.lockPath} (${systemCode(cause)})`, { cause });
      }
      if (waitedMs === 0) onWait();
      if (waitedMs >= MAX_WAIT_MS) {
        throw new AiwError("ENV_LOCKED", `another aiw command has held ${slot.lockPath} for 30 minutes`);
      }
      await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
      const ready = done();
      if (ready !== undefined) return ready;
      continue;
    }
    try {
      return done() ?? (await work());
    } finally {
      // Fails only where it was already taken for dead.
      await release().catch(() => undefined);
    }
  }
}
