import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EventBus } from "../../agent/event-bus.js";
import { OpenSession } from "../../agent/open-session.js";
import type { SessionKeeper } from "../../agent/ports.js";
import type { Clock } from "../../core/clock.js";
import { KeptFrame } from "../../frame/kept-frame.js";
import { blankFrame } from "../../testing/blank-frame.js";
import { ManualClock } from "../../testing/manual-clock.js";
import { DiskQueue } from "./disk-queue.js";
import { diskFiles, type Files } from "./files.js";
import { newSessionId } from "./session-id.js";
import { SessionStore, type SessionStoreOptions } from "./store.js";
import { closedJson, errorOf, presences, resultOf } from "./testing.js";

let dir: string;
let clock: ManualClock;
let notes: string[];
let alive: Set<string>;
let queue: DiskQueue;
const never = new AbortController().signal;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "aiw-store-"));
  clock = new ManualClock();
  notes = [];
  alive = new Set();
  queue = new DiskQueue();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function openStore(changes: Partial<SessionStoreOptions> = {}, folder = dir): Promise<SessionStore> {
  const onNote = (text: string) => notes.push(text);
  return SessionStore.open(folder, { clock, onNote, queue, announce: presences(alive, "a1"), ...changes });
}

function begin(store: SessionStore, startWallMs = clock.wallMs()) {
  const sessionId = newSessionId(clock.wallMs());
  return store.begin({ sessionId, camera: "door", startWallMs, modelId: "ab" });
}

const jsonOf = (folder: string, name = "session.json") =>
  JSON.parse(readFileSync(join(folder, name), "utf8"));
const linesOf = (folder: string) =>
  readFileSync(join(folder, "detections.ndjson"), "utf8").split("\n").slice(0, -1);

describe("a session", () => {
  it("has its records, and what they come to", async () => {
    const store = await openStore();
    const startWallMs = clock.wallMs() - 500;
    const record = begin(store, startWallMs);
    for (const outcome of [resultOf(1), errorOf(2), resultOf(3)]) record.append(outcome);
    await clock.advanceBy(2_000_000);
    await record.close({ endWallMs: clock.wallMs(), reason: "silence" });
    await record.close({ endWallMs: clock.wallMs() + 5000, reason: "stopped" });
    record.append(resultOf(4));
    expect(linesOf(record.folder).map((line) => JSON.parse(line).seq)).toEqual([1, 2, 3]);
    expect(jsonOf(record.folder)).toMatchObject({
      schema: "aiw.session/1",
      session_id: record.sessionId,
      camera: "door",
      client_id: "door",
      start: new Date(startWallMs).toISOString(),
      end: new Date(startWallMs + 2500).toISOString(),
      duration_s: 2.5,
      reason: "silence",
      model_id: "ab",
      model_ids: ["ab"],
      frames: { results: 2, errors: 1, not_recorded: 0 },
      detections: { total: 2, by_class: { person: 2 } },
      latency_ms: { total: { count: 2, mean: 5.002, max: 5.003 } },
      poster: null,
    });
    expect(readdirSync(record.folder).sort()).toEqual(["detections.ndjson", "session.json"]);
    expect(await store.close(never)).toBe(true);
  });

  it("says while it is open that it is, and whose", async () => {
    const store = await openStore();
    const record = begin(store);
    await store.close(never);
    expect(jsonOf(record.folder, "open.json")).toMatchObject({ camera: "door", model_id: "ab", owner: "a1" });
    expect(readdirSync(dir)).toEqual([record.sessionId]);
  });

  it.each([
    ["back", -3_600_000],
    ["forward", 3_600_000],
  ])("is as long as it was when the clock is set %s by an hour", async (_, stepMs) => {
    const store = await openStore();
    const startWallMs = clock.wallMs();
    const closed: Promise<void>[] = [];
    const sessions: SessionKeeper = {
      begin(start) {
        const record = begin(store, start.startWallMs);
        return {
          id: record.sessionId,
          append: (outcome) => record.append(outcome),
          poster: () => {},
          close: (end) => void closed.push(record.close(end)),
        };
      },
    };
    let setMs = 0;
    const stepping: Clock = {
      nowUs: () => clock.nowUs(),
      wallMs: () => clock.wallMs() + setMs,
      at: (dueUs, fn) => clock.at(dueUs, fn),
    };
    const ports = { clock: stepping, bus: new EventBus(() => {}), sessions, recorder: () => {} };
    const start = { startWallMs, sinceUs: clock.nowUs(), modelId: "ab" };
    const session = new OpenSession("door", ports, start, () => "active");
    setMs = stepMs;
    await clock.advanceBy(4_000_000);
    session.close("silence");
    await Promise.all(closed);
    expect(jsonOf(store.folderOf(session.id))).toMatchObject({
      start: new Date(startWallMs).toISOString(),
      end: new Date(startWallMs + 4000).toISOString(),
      duration_s: 4,
    });
  });
});

describe("a poster", () => {
  const offer = (record: ReturnType<typeof begin>, seq: number, confidence: number) => {
    let released = 0;
    const kept = new KeptFrame(blankFrame({ release: () => void released++ }));
    const letGo = kept.keep();
    record.poster(resultOf(seq, { frame: kept }), confidence);
    letGo();
    return () => released;
  };

  it("is the surest frame, and is written a few times in a session of any length", async () => {
    let encoded = 0;
    const encode = async () => Buffer.from(`picture ${++encoded}`);
    const store = await openStore({ encode });
    const record = begin(store);
    const released = [];
    for (let seq = 0; seq < 2000; seq++) {
      released.push(offer(record, seq, 0.35 + (0.65 * seq) / 2000));
      if (seq % 10 === 0) await clock.advanceBy(1);
    }
    await record.close({ endWallMs: clock.wallMs(), reason: "silence" });
    expect(encoded).toBeGreaterThan(5);
    expect(encoded).toBeLessThanOrEqual(14);
    expect(readFileSync(join(record.folder, "poster.jpg"), "utf8")).toBe(`picture ${encoded}`);
    expect(jsonOf(record.folder).poster).toBe("poster.jpg");
    expect(released.map((count) => count())).toEqual(released.map(() => 1));
  });

  it("keeps two frames at most, and the better one of those that wait", async () => {
    const begun: { seq: string; finish: () => void }[] = [];
    const encode = () =>
      new Promise<Uint8Array>((resolve) => begun.push({ seq: "", finish: () => resolve(Buffer.from("p")) }));
    const store = await openStore({ encode });
    const record = begin(store);
    const released = [0.4, 0.5, 0.6, 0.55, 0.7].map((confidence, seq) => offer(record, seq, confidence));
    expect(released.map((count) => count())).toEqual([0, 1, 1, 1, 0]);
    const closed = record.close({ endWallMs: clock.wallMs(), reason: "silence" });
    const isClosed = { now: false };
    void closed.then(() => (isClosed.now = true));
    while (!isClosed.now) {
      begun.shift()?.finish();
      await turn();
    }
    expect(released.map((count) => count())).toEqual([1, 1, 1, 1, 1]);
  });

  it("that can't be made costs one line, and nothing else", async () => {
    const store = await openStore({ encode: () => Promise.reject(new Error("out of memory")) });
    const record = begin(store);
    const released = offer(record, 1, 0.5);
    record.append(resultOf(1));
    await record.close({ endWallMs: clock.wallMs(), reason: "silence" });
    expect(jsonOf(record.folder)).toMatchObject({ poster: null, frames: { results: 1, not_recorded: 0 } });
    expect(notes).toHaveLength(1);
    expect(released()).toBe(1);
  });

  it("is a picture of the frame", async () => {
    const store = await openStore();
    const record = begin(store);
    const kept = new KeptFrame(blankFrame({ data: Buffer.alloc(8 * 6 * 3), width: 8, height: 6 }));
    record.poster(resultOf(1, { frame: kept }), 0.9);
    await record.close({ endWallMs: clock.wallMs(), reason: "silence" });
    expect([...readFileSync(join(record.folder, "poster.jpg")).subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff]);
  });
});

/** A disk with room for so many bytes more. */
class SmallDisk implements Files {
  free = Number.POSITIVE_INFINITY;
  /** Cutting a file fails as well. */
  isBroken = false;
  /** Files that are open. */
  handles = 0;
  makeFolder = diskFiles.makeFolder;
  rename = diskFiles.rename;
  remove = diskFiles.remove;
  removeFolder = diskFiles.removeFolder;
  syncFolder = diskFiles.syncFolder;

  open = async (path: string, mode: "a" | "w") => {
    const file = await diskFiles.open(path, mode);
    this.handles++;
    return {
      write: async (bytes: Uint8Array) => {
        if (this.free <= 0) throw Object.assign(new Error("full"), { code: "ENOSPC" });
        const count = Math.min(bytes.length, this.free);
        this.free -= count;
        return file.write(bytes.subarray(0, count));
      },
      truncate: async (size: number) => {
        if (this.isBroken) throw Object.assign(new Error("broken"), { code: "EIO" });
        await file.truncate(size);
      },
      size: () => file.size(),
      sync: () => file.sync(),
      close: () => {
        this.handles--;
        return file.close();
      },
    };
  };
}

describe("a disk", () => {
  it("that is full costs records, which are counted and told once; it is tried again with each", async () => {
    const files = new SmallDisk();
    const store = await openStore({ files });
    const record = begin(store);
    record.append(resultOf(1));
    await queue.drained(never);
    files.free = 100;
    record.append(resultOf(2));
    record.append(resultOf(3));
    await queue.drained(never);
    expect(linesOf(record.folder)).toHaveLength(1);
    expect(readFileSync(join(record.folder, "detections.ndjson"), "utf8").endsWith("}\n")).toBe(true);
    files.free = Number.POSITIVE_INFINITY;
    record.append(resultOf(4));
    await record.close({ endWallMs: clock.wallMs(), reason: "silence" });
    expect(linesOf(record.folder).map((line) => JSON.parse(line).seq)).toEqual([1, 4]);
    expect(jsonOf(record.folder).frames).toEqual({ results: 2, errors: 0, not_recorded: 2 });
    expect(notes).toEqual([expect.stringContaining("ENOSPC")]);
  });

  describe("that is full when a session ends", () => {
    let files: SmallDisk;
    let store: SessionStore;

    /** A session of one frame that the disk did not let be closed. */
    async function unclosed() {
      files = new SmallDisk();
      store = await openStore({ files });
      const record = begin(store);
      record.append(resultOf(1));
      await queue.drained(never);
      files.free = 10;
      await record.close({ endWallMs: clock.wallMs(), reason: "silence" });
      await store.written(record.sessionId);
      expect(readdirSync(record.folder).sort()).toEqual(["detections.ndjson", "open.json"]);
      return record;
    }

    it("lets it be closed once there is room, and other sessions meanwhile", async () => {
      const record = await unclosed();
      await advance(6);
      expect(existsSync(join(record.folder, "session.json"))).toBe(false);
      expect(files.handles).toBe(0);
      files.free = Number.POSITIVE_INFINITY;
      const other = begin(store);
      await other.close({ endWallMs: clock.wallMs(), reason: "silence" });
      expect(jsonOf(other.folder).frames.results).toBe(0);
      await advance(1);
      expect(readdirSync(record.folder).sort()).toEqual(["detections.ndjson", "session.json"]);
      expect(jsonOf(record.folder)).toMatchObject({
        reason: "silence",
        frames: { results: 1, errors: 0, not_recorded: 0 },
        detections: { by_class: { person: 1 } },
        latency_ms: { total: { count: 1 } },
      });
      expect([files.handles, clock.pendingTimers]).toEqual([0, 0]);
      expect(notes).toEqual([expect.stringContaining("ENOSPC")]);
      expect(await store.close(never)).toBe(true);
    });

    it("is tried once more at the agent's end", async () => {
      const record = await unclosed();
      files.free = Number.POSITIVE_INFINITY;
      expect(await store.close(never)).toBe(true);
      expect(jsonOf(record.folder).reason).toBe("silence");
      expect([files.handles, clock.pendingTimers]).toEqual([0, 0]);
    });

    it("leaves it for the next start where there is no room until then", async () => {
      const record = await unclosed();
      expect(await store.close(never)).toBe(true);
      expect([files.handles, clock.pendingTimers]).toEqual([0, 0]);
      expect(readdirSync(record.folder).sort()).toEqual(["detections.ndjson", "open.json"]);
      const next = await openStore({ announce: presences(alive, "a2") });
      expect(next.recovered).toHaveLength(1);
      expect(jsonOf(record.folder)).toMatchObject({ reason: "recovered", frames: { results: 1 } });
    });

    it("leaves no half line, though it could not be cut at first", async () => {
      files = new SmallDisk();
      store = await openStore({ files });
      const record = begin(store);
      record.append(resultOf(1));
      await queue.drained(never);
      Object.assign(files, { free: 100, isBroken: true });
      record.append(resultOf(2));
      await record.close({ endWallMs: clock.wallMs(), reason: "silence" });
      expect(existsSync(join(record.folder, "session.json"))).toBe(false);
      Object.assign(files, { free: Number.POSITIVE_INFINITY, isBroken: false });
      await advance(1);
      expect(jsonOf(record.folder).frames).toEqual({ results: 1, errors: 0, not_recorded: 1 });
      expect(readFileSync(join(record.folder, "detections.ndjson"), "utf8")).toMatch(/^.*\}\n$/);
      expect(files.handles).toBe(0);
    });

    it("has a session of which nothing was written in the end", async () => {
      files = new SmallDisk();
      files.free = 0;
      store = await openStore({ files });
      const record = begin(store);
      record.append(resultOf(1));
      await record.close({ endWallMs: clock.wallMs(), reason: "silence" });
      files.free = Number.POSITIVE_INFINITY;
      await advance(1);
      expect(jsonOf(record.folder).frames).toEqual({ results: 0, errors: 0, not_recorded: 1 });
      expect(readdirSync(dir)).toEqual([record.sessionId]);
    });
  });

  it("that does not let open.json be taken away is tried again", async () => {
    let isStuck = true;
    const remove = async (path: string) => {
      if (isStuck && path.endsWith("open.json")) throw Object.assign(new Error("no"), { code: "EPERM" });
      return diskFiles.remove(path);
    };
    const store = await openStore({ files: { ...diskFiles, remove } });
    const record = begin(store);
    await record.close({ endWallMs: clock.wallMs(), reason: "silence" });
    expect(existsSync(join(record.folder, "open.json"))).toBe(true);
    isStuck = false;
    await advance(1);
    expect(readdirSync(record.folder).sort()).toEqual(["detections.ndjson", "session.json"]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("that hangs costs records and never a frame, and nobody waits for it at the end", async () => {
    let release: () => void = () => {};
    const hung = new Promise<void>((resolve) => (release = resolve));
    const files = { ...diskFiles, makeFolder: (path: string) => hung.then(() => diskFiles.makeFolder(path)) };
    const store = await openStore({ files, queue: new DiskQueue(10) });
    const record = begin(store);
    for (let seq = 1; seq <= 20; seq++) record.append(resultOf(seq));
    expect(notes).toEqual([expect.stringContaining("too slow")]);
    const closed = record.close({ endWallMs: clock.wallMs(), reason: "stopped" });
    const giveUp = new AbortController();
    const ended = store.close(giveUp.signal);
    giveUp.abort();
    expect(await ended).toBe(false);
    release();
    await closed;
    expect(jsonOf(record.folder).frames).toEqual({ results: 9, errors: 0, not_recorded: 11 });
  });

  it("without a place for the folder ends the start with a line", async () => {
    writeFileSync(join(dir, "file"), "");
    await expect(openStore({}, join(dir, "file"))).rejects.toMatchObject({
      code: "OUTPUT_FAILED",
      message: `${join(dir, "file")} cannot be written (ENOTDIR)`,
    });
    expect((await openStore({}, join(dir, "new", "one"))).recovered).toHaveLength(0);
    expect(existsSync(join(dir, "new", "one"))).toBe(true);
  });
});

describe("what a start recovers", () => {
  const ID = "20261126T144111Z-0a31f6e2b97c4d58";
  const leaveOpen = (open: object | string, lines: string) => {
    mkdirSync(join(dir, ID));
    writeFileSync(join(dir, ID, "open.json"), typeof open === "string" ? open : JSON.stringify(open));
    writeFileSync(join(dir, ID, "detections.ndjson"), lines);
  };
  const HEADER = {
    session_id: ID,
    camera: "door",
    client_id: "door",
    start: "2026-11-26T14:41:10.500Z",
    model_id: "ab",
    owner: "b2",
  };

  it("are not the sessions of an agent that runs, nor the worker's", async () => {
    leaveOpen(HEADER, "");
    alive.add("b2");
    expect((await openStore()).recovered).toHaveLength(0);
    writeFileSync(join(dir, ID, "open.json"), JSON.stringify({ ...HEADER, start: "soon", camera: 7 }));
    expect((await openStore()).recovered).toHaveLength(0);
    writeFileSync(
      join(dir, ID, "open.json"),
      JSON.stringify({ session_id: ID, client_id: "pi", start: HEADER.start }),
    );
    alive.clear();
    expect((await openStore()).recovered).toHaveLength(0);
    writeFileSync(join(dir, ID, "open.json"), JSON.stringify(HEADER));
    expect((await openStore()).recovered).toHaveLength(1);
    expect((await openStore()).recovered).toHaveLength(0);
  });

  it.each([
    ["before it writes session.json", "session.json.tmp"],
    ["before it takes open.json away", "open.json"],
  ])("is told by one of two agents that start at once: the other waits %s", async (_, name) => {
    leaveOpen(HEADER, '{"time":"2026-11-26T14:41:12.000Z","detections":[],"latency_ms":{}}\n');
    let arrive: () => void = () => {};
    let goOn: () => void = () => {};
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    const gate = new Promise<void>((resolve) => (goOn = resolve));
    const pass = async (path: string) => {
      if (!path.endsWith(`/${name}`)) return;
      arrive();
      await gate;
    };
    const files: Files = {
      ...diskFiles,
      open: async (path, mode) => (await pass(path), diskFiles.open(path, mode)),
      remove: async (path) => (await pass(path), diskFiles.remove(path)),
    };
    const first = openStore({ files });
    await arrived;
    const second = await openStore({ announce: presences(alive, "a2") });
    goOn();
    const counts = [await first, second].map(({ recovered }) => recovered.length);
    expect(counts).toEqual([0, 1]);
    const [session] = second.recovered;
    expect(session).toMatchObject({ camera: "door", modelId: "ab", results: 1 });
    expect(session?.endWallMs).toBe(Date.parse("2026-11-26T14:41:12.000Z"));
    expect(jsonOf(join(dir, ID))).toMatchObject({ reason: "recovered", frames: { results: 1 } });
    expect(readdirSync(join(dir, ID)).sort()).toEqual(["detections.ndjson", "session.json"]);
    expect(notes).toEqual([]);
  });

  it("is not told of where its end was, and only open.json was left", async () => {
    leaveOpen(HEADER, "");
    writeFileSync(join(dir, ID, "session.json"), JSON.stringify({ ...closedJson(0), session_id: ID }));
    expect((await openStore()).recovered).toEqual([]);
    expect(existsSync(join(dir, ID, "open.json"))).toBe(false);
  });

  it("is what can be read: half lines are cut, damaged ones counted, the last time is the end", async () => {
    const line = (time: string) =>
      `{"time":"${time}","detections":[{"class":"person"}],"latency_ms":{"total":1}}\n`;
    leaveOpen(
      HEADER,
      `${line("2026-11-26T14:41:12.000Z")}nonsense\n${line("2026-11-26T14:41:14.250Z")}{"time":"2027`,
    );
    expect((await openStore()).recovered).toEqual([
      {
        ...{ sessionId: ID, camera: "door", modelId: "ab", results: 2, byClass: { person: 2 } },
        startWallMs: Date.parse(HEADER.start),
        endWallMs: Date.parse("2026-11-26T14:41:14.250Z"),
      },
    ]);
    expect(jsonOf(join(dir, ID))).toMatchObject({
      ...{ start: HEADER.start, end: "2026-11-26T14:41:14.250Z", reason: "recovered", model_id: "ab" },
      frames: { results: 2, errors: 0, damaged: 1 },
    });
    expect(linesOf(join(dir, ID))).toHaveLength(3);
  });

  it("ends when it began where nothing was recorded, or the clock went back", async () => {
    leaveOpen(HEADER, '{"time":"2026-11-26T13:00:00.000Z","detections":[],"latency_ms":{}}\n');
    const { recovered } = await openStore();
    expect(recovered).toMatchObject([{ endWallMs: Date.parse(HEADER.start), results: 1, byClass: {} }]);
    expect(jsonOf(join(dir, ID))).toMatchObject({ end: HEADER.start, duration_s: 0 });
  });

  it("has its time from its id where open.json came to harm", async () => {
    leaveOpen("\0\0\0", "");
    expect((await openStore()).recovered).toMatchObject([{ sessionId: ID, camera: "", modelId: "" }]);
    expect(jsonOf(join(dir, ID))).toMatchObject({ start: "2026-11-26T14:41:11.000Z", model_ids: [] });
  });

  it("touches nothing that is not a session, and nothing behind a link", async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "aiw-elsewhere-"));
    writeFileSync(join(elsewhere, "open.json"), JSON.stringify(HEADER));
    appendFileSync(join(elsewhere, "detections.ndjson"), "half");
    symlinkSync(elsewhere, join(dir, ID));
    mkdirSync(join(dir, "notes"));
    writeFileSync(join(dir, "notes", "open.json"), JSON.stringify(HEADER));
    writeFileSync(join(dir, ID.replace("0a", "0b")), "a file");
    expect((await openStore()).recovered).toHaveLength(0);
    expect(readFileSync(join(elsewhere, "detections.ndjson"), "utf8")).toBe("half");
    expect(readdirSync(elsewhere)).toHaveLength(2);
    rmSync(elsewhere, { recursive: true });
    expect(notes).toEqual([]);
  });

  it("does not write through a link in a session's folder", async () => {
    leaveOpen(HEADER, "");
    rmSync(join(dir, ID, "detections.ndjson"));
    writeFileSync(join(dir, "precious"), "half a line");
    symlinkSync(join(dir, "precious"), join(dir, ID, "detections.ndjson"));
    expect((await openStore()).recovered).toHaveLength(0);
    expect(readFileSync(join(dir, "precious"), "utf8")).toBe("half a line");
    expect(notes).toEqual([expect.stringContaining("can't be recovered")]);
  });
});

/** So many times ten seconds, and each time until nothing is being written any more. */
async function advance(tens: number): Promise<void> {
  for (let n = 0; n < tens; n++) {
    await clock.advanceBy(10_000_000);
    do {
      await queue.drained(never);
      await turn();
    } while (queue.size > 0);
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
