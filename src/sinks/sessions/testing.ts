import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FrameResult } from "../../results/frame-outcome.js";
import { AiwError } from "../../core/errors.js";
import type { FrameError } from "../../results/frame-outcome.js";
import { diskFiles, type Files, type OpenFile } from "./files.js";
import type { Presence } from "./presence.js";
import { newSessionId } from "./session-id.js";

/** A frame's result in a session, as small as it can be. */
export function resultOf(seq: number, changes: Partial<FrameResult> = {}): FrameResult {
  return {
    seq,
    origin: { source: "door", width: 8, height: 6 },
    dueUs: 0,
    wallMs: 1_700_000_000_000 + seq * 100,
    sent: { width: 8, height: 6 },
    latency: {
      ...{ total: 5000 + seq, wait: 10, transport: 20 },
      ...{ queue: 30, preprocess: 40, inference: 4800 + seq, postprocess: 100 },
    },
    detections: [
      {
        className: "person",
        classId: 0,
        confidence: 0.9,
        box: { x: 1, y: 1, w: 2, h: 2 },
        trackId: null,
      },
    ],
    usage: undefined,
    ...changes,
  };
}

export function errorOf(seq: number): FrameError {
  const { origin, dueUs, wallMs } = resultOf(seq);
  return { seq, origin, dueUs, wallMs, error: new AiwError("WORKER_REFUSED", "no") };
}

/** Agents of a test: those whose ids are in the set run. */
export function presences(alive: Set<string>, id: string): () => Promise<Presence> {
  return async () => {
    alive.add(id);
    return { id, isAlive: async (other) => alive.has(other), close: async () => void alive.delete(id) };
  };
}

/**
 * The machine's files until so many operations were done; then the process is as good as killed: nothing more
 * happens, and nothing that is waited for ever comes. The last one is done in full, but for a write: half of it.
 */
export class MortalFiles implements Files {
  readonly died: Promise<void>;
  private die: () => void = () => {};
  private done = 0;
  private readonly handles: OpenFile[] = [];

  constructor(private readonly dieAfter: number) {
    this.died = new Promise((resolve) => (this.die = resolve));
  }

  get isDead(): boolean {
    return this.done >= this.dieAfter;
  }

  makeFolder = (path: string) => this.step(() => diskFiles.makeFolder(path));
  rename = (from: string, to: string) => this.step(() => diskFiles.rename(from, to));
  remove = (path: string) => this.step(() => diskFiles.remove(path));
  removeFolder = (path: string) => this.step(() => diskFiles.removeFolder(path));
  syncFolder = (path: string) => this.step(() => diskFiles.syncFolder(path));

  open = (path: string, mode: "a" | "w") =>
    this.step(async () => {
      const file = await diskFiles.open(path, mode);
      this.handles.push(file);
      return {
        write: (bytes: Uint8Array) =>
          this.step((isLast) => file.write(isLast ? bytes.subarray(0, bytes.length / 2) : bytes)),
        truncate: (size: number) => this.step(() => file.truncate(size)),
        size: () => this.step(() => file.size()),
        sync: () => this.step(() => file.sync()),
        close: () => this.step(async () => {}),
      };
    });

  /** What the system does when a process has ended. */
  async closeAll(): Promise<void> {
    for (const handle of this.handles.splice(0)) await handle.close().catch(() => {});
  }

  private async step<T>(work: (isLast: boolean) => Promise<T>): Promise<T> {
    if (this.isDead) return new Promise(() => {});
    this.done++;
    const isLast = this.isDead;
    try {
      return await work(isLast);
    } finally {
      if (isLast) {
        this.die();
        await new Promise(() => {});
      }
    }
  }
}

/** session.json of a session of nine seconds. */
export function closedJson(startMs: number) {
  return {
    schema: "aiw.session/1",
    ...{ session_id: newSessionId(startMs, (n) => new Uint8Array(n)), camera: "door", client_id: "door" },
    ...{ start: new Date(startMs).toISOString(), end: new Date(startMs + 9000).toISOString(), duration_s: 9 },
    ...{ reason: "silence", model_id: "ab", model_ids: ["ab"] },
    frames: { results: 100, errors: 0, not_recorded: 0 },
    detections: { total: 90, by_class: { person: 90 } },
    ...{ latency_ms: {}, poster: null },
  };
}

/** Makes the folder of a closed session; its id. */
export function leaveSession(dir: string, startMs: number, changes: object = {}, detections = ""): string {
  const json = { ...closedJson(startMs), ...changes };
  mkdirSync(join(dir, json.session_id));
  writeFileSync(join(dir, json.session_id, "session.json"), JSON.stringify(json));
  writeFileSync(join(dir, json.session_id, "detections.ndjson"), detections);
  return json.session_id;
}
