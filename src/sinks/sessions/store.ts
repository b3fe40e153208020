import { accessSync, constants } from "node:fs";
import { join, resolve } from "node:path";
import type { Clock } from "../../core/clock.js";
import { settledOrAborted } from "../../core/settled-or-aborted.js";
import { makeFolder } from "../folder.js";
import { outputFailed } from "../output-failed.js";
import { DiskQueue } from "./disk-queue.js";
import { diskFiles, type Files } from "./files.js";
import type { EncodePicture } from "./poster.js";
import { announcePresence, type Presence } from "./presence.js";
import { type RecoveredSession, recoverSessions } from "./recovery.js";
import { isSessionId } from "./session-id.js";
import { SessionRecord } from "./session-record.js";
import { type CloseOnDisk, UnclosedSessions } from "./unclosed.js";

export interface SessionStoreOptions {
  readonly clock: Clock;
  /** A line for people: what is not written and why, once a session. */
  readonly onNote: (text: string) => void;
  /** A frame of a session of this camera could not be recorded. */
  readonly onLeftOut?: (camera: string) => void;
  /** For tests. */
  readonly files?: Files;
  readonly encode?: EncodePicture;
  readonly queue?: DiskQueue;
  readonly announce?: (dir: string, onNote: (text: string) => void) => Promise<Presence>;
}

export interface SessionStart {
  /** From `newSessionId`. */
  readonly sessionId: string;
  /** Its name, credentials masked. */
  readonly camera: string;
  /** When what it is about was first seen; wall clock, milliseconds. */
  readonly startWallMs: number;
  /** SHA-256 of the model file, hex. */
  readonly modelId: string;
}

/**
 * Sessions on disk, a folder each; several agents may share one. All of it is written beside the run, one thing
 * after the other: a disk that is slow, full or hangs costs records, which are counted, and never a frame's time.
 */
export class SessionStore {
  private readonly open = new Map<string, SessionRecord>();
  private readonly unclosed: UnclosedSessions;

  private constructor(
    readonly dir: string,
    /** Sessions that a killed agent had left open, and that are closed now; the oldest first. */
    readonly recovered: readonly RecoveredSession[],
    private readonly presence: Presence,
    private readonly queue: DiskQueue,
    private readonly options: SessionStoreOptions,
  ) {
    this.unclosed = new UnclosedSessions(options.clock, queue);
  }

  /**
   * Makes the folder where it is missing, and closes what a killed agent left open in it.
   * @throws OUTPUT_FAILED for a folder that can't be made, read or written
   */
  static async open(folder: string, options: SessionStoreOptions): Promise<SessionStore> {
    const { files = diskFiles, queue = new DiskQueue(), announce = announcePresence, onNote } = options;
    const dir = resolve(folder);
    makeFolder(folder);
    let presence: Presence | undefined;
    try {
      accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
      presence = await announce(dir, onNote);
      const { isAlive } = presence;
      const recovered = await recoverSessions(dir, { files, isAlive, onNote });
      return new SessionStore(dir, recovered, presence, queue, options);
    } catch (error) {
      await presence?.close();
      throw outputFailed(folder, error);
    }
  }

  /** Where a session's files are. */
  folderOf(sessionId: string): string {
    if (!isSessionId(sessionId)) throw new Error(`${sessionId} is no id of a session`);
    return join(this.dir, sessionId);
  }

  /** A session that begins now. What the disk says to it comes to `onNote`. */
  begin({ sessionId, camera, startWallMs, modelId }: SessionStart): SessionRecord {
    const { onNote, onLeftOut, encode, files = diskFiles } = this.options;
    const header = {
      session_id: sessionId,
      camera,
      client_id: camera,
      start: new Date(startWallMs).toISOString(),
      model_id: modelId,
      owner: this.presence.id,
    };
    const options = {
      onNote,
      onLeftOut: () => onLeftOut?.(camera),
      onUnclosed: (closeOnDisk: CloseOnDisk) => this.unclosed.add(closeOnDisk),
      encode,
      files,
      queue: this.queue,
    };
    const record = new SessionRecord(this.folderOf(sessionId), header, options);
    this.open.set(sessionId, record);
    void record.closed.then(() => this.open.delete(sessionId));
    return record;
  }

  /** Resolves when a session's folder is there, and of one that was closed session.json, as far as the disk allows at once. */
  async written(sessionId: string): Promise<void> {
    const record = this.open.get(sessionId);
    await (record?.isClosing ? record.closed : record?.begun);
  }

  /**
   * Waits for what was to be written, and tries once more what the disk did not take; sessions that were not closed are
   * left open for the next start.
   * @param giveUp ends the waiting for a disk that hangs
   * @returns false where something is still to be written: then a thread of Node's may stand in a system call that
   *   never returns, and process.exit() would wait for it
   */
  async close(giveUp: AbortSignal): Promise<boolean> {
    for (const record of this.open.values()) if (!record.isClosing) record.abandon();
    const letGo = () => {
      for (const record of this.open.values()) record.letGo();
    };
    if (giveUp.aborted) letGo();
    giveUp.addEventListener("abort", letGo);
    const closed = Promise.all([...this.open.values()].map((record) => record.closed)).then(() => {});
    await settledOrAborted(closed, giveUp);
    giveUp.removeEventListener("abort", letGo);
    await this.unclosed.finish(giveUp);
    await this.presence.close();
    return this.open.size === 0 && this.queue.size === 0;
  }
}
