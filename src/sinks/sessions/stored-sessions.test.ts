import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newSessionId } from "./session-id.js";
import type { StoredSession } from "./stored-session.js";
import {
  findSession,
  readSessions,
  type SessionFilter,
  sessionIds,
  shortId,
  shownDigits,
} from "./stored-sessions.js";
import { closedJson, leaveSession } from "./testing.js";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "aiw-stored-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function read(filter: SessionFilter = {}): Promise<StoredSession[]> {
  const found = [];
  for await (const session of readSessions(dir, (await sessionIds(dir)) ?? [], filter)) found.push(session);
  return found;
}

const T = Date.parse("2026-11-26T10:00:00.000Z");

describe("sessions", () => {
  it("are the folders that are called like one, the newest first", async () => {
    expect(await sessionIds(join(dir, "none"))).toBeUndefined();
    expect(await sessionIds(dir)).toEqual([]);
    const ids = [T, T + 1, T + 60_000].map((ms) => leaveSession(dir, ms));
    mkdirSync(join(dir, "notes"));
    mkdirSync(join(dir, `.${newSessionId(T)}.00.part`));
    writeFileSync(join(dir, newSessionId(T)), "a file");
    symlinkSync(join(dir, ids[0]!), join(dir, newSessionId(T)));
    expect(await sessionIds(dir)).toEqual(ids.toReversed());
    writeFileSync(join(dir, "file"), "");
    await expect(sessionIds(join(dir, "file"))).rejects.toMatchObject({ code: "SESSIONS_UNREADABLE" });
  });

  it("are those of the worker as well", async () => {
    // As the worker writes it: without these.
    const less = { camera: undefined, duration_s: undefined, poster: undefined };
    leaveSession(dir, T, { ...less, client_id: "pi", latency_ms: { worker: { count: 0 } } });
    expect(await read()).toMatchObject([{ state: "closed", camera: "pi", problem: null }]);
  });

  it("are chosen by camera, time and class", async () => {
    const one = leaveSession(dir, T, { camera: "door" });
    const other = leaveSession(dir, T + 3_600_000, {
      camera: "yard",
      detections: { total: 1, by_class: { car: 1 } },
    });
    const ids = async (filter: SessionFilter) => (await read(filter)).map(({ id }) => id);
    expect(await ids({})).toEqual([other, one]);
    expect(await ids({ camera: "door" })).toEqual([one]);
    expect(await ids({ classNames: ["dog", "car"] })).toEqual([other]);
    expect(await ids({ classNames: ["constructor"] })).toEqual([]);
    expect(await ids({ sinceMs: T })).toEqual([other, one]);
    expect(await ids({ sinceMs: T + 1 })).toEqual([other]);
    expect(await ids({ sinceMs: T + 3_600_001 })).toEqual([]);
  });
});

describe("a session that is not closed", () => {
  const leaveOpen = (open: string) => {
    const id = newSessionId(T);
    mkdirSync(join(dir, id));
    writeFileSync(join(dir, id, "open.json"), open);
    const line = '{"time":"t","detections":[{"class":"person"}],"latency_ms":{"total":2}}\n';
    writeFileSync(join(dir, id, "detections.ndjson"), `${line}${line}{"time":"t","det`);
    return id;
  };
  const HEADER = {
    session_id: "s",
    camera: "door",
    client_id: "door",
    start: "2026-11-26T09:59:59.500Z",
    owner: "0123456789abcdef",
  };

  it.skipIf(process.platform === "win32")(
    "is open while its agent runs, and has what is there so far",
    async () => {
      leaveOpen(JSON.stringify(HEADER));
      const so_far = { camera: "door", results: 2, byClass: { person: 2 }, endMs: null, startMs: T - 500 };
      expect(await read()).toMatchObject([{ state: "unfinished", ...so_far }]);
      const agent = createServer().listen(join(dir, ".agent-0123456789abcdef.sock"));
      await new Promise((resolve) => agent.once("listening", resolve));
      expect(await read()).toMatchObject([
        { state: "open", ...so_far, record: { frames: { results: 2 }, end: null } },
      ]);
      agent.close();
    },
  );

  it("is open where it is the worker's, and shown as far as it goes where its open.json came to harm", async () => {
    const id = leaveOpen(JSON.stringify({ session_id: "s", client_id: "pi", start: HEADER.start }));
    expect(await read()).toMatchObject([{ state: "open", camera: "pi" }]);
    writeFileSync(join(dir, id, "open.json"), JSON.stringify({ ...HEADER, owner: null }));
    expect(await read()).toMatchObject([{ state: "unfinished", camera: "door" }]);
    writeFileSync(join(dir, id, "open.json"), "{");
    expect(await read()).toMatchObject([{ state: "unfinished", camera: "", startMs: T, results: 2 }]);
  });
});

it("a session that came to harm is told from others, whatever its session.json holds", async () => {
  const whole = closedJson(T);
  const broken = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .constantFrom(...Object.keys(whole))
      .chain((key) => fc.jsonValue().map((value) => JSON.stringify({ ...whole, [key]: value }))),
  );
  await fc.assert(
    fc.asyncProperty(broken, async (text) => {
      const id = leaveSession(dir, T);
      writeFileSync(join(dir, id, "session.json"), text);
      const [session] = await read();
      expect(["closed", "damaged"]).toContain(session?.state);
      if (session?.state === "damaged") expect(session.problem).toMatch(/^session\.json /);
      rmSync(join(dir, id), { recursive: true });
    }),
    { numRuns: 200 },
  );
});

it("a folder in which a session was never closed nor open is damaged, and an empty one is none", async () => {
  mkdirSync(join(dir, newSessionId(T)));
  expect(await read()).toEqual([]);
  const id = newSessionId(T + 1);
  mkdirSync(join(dir, id));
  writeFileSync(join(dir, id, "detections.ndjson"), "");
  expect(await read()).toMatchObject([{ id, state: "damaged", problem: "session.json is missing" }]);
  symlinkSync(join(dir, "elsewhere"), join(dir, id, "session.json"));
  expect(await read()).toMatchObject([{ problem: "session.json is no file" }]);
});

describe("an id", () => {
  const IDS = [
    "20261126T100001Z-0aabbccdd0000001",
    "20261126T100001Z-0aabbccdd0000002",
    "20261126T100000Z-1000000000000000",
  ];

  it("is meant by its beginning, or that of the part behind its time", () => {
    expect(findSession(IDS, "20261126T100000")).toBe(IDS[2]);
    expect(findSession(IDS, "1")).toBe(IDS[2]);
    expect(findSession(IDS, IDS[0]!)).toBe(IDS[0]);
    expect(() => findSession(IDS, "0aab")).toThrow(
      /is the beginning of 2 sessions \(.*0001, .*0002\): give more/,
    );
    expect(() => findSession(IDS, "2026")).toThrow(/3 sessions/);
    for (const given of ["", "x", "../", "0a0"]) {
      expect(() => findSession(IDS, given)).toThrow(`no session begins with "${given}"`);
    }
  });

  it("is shown so long that it can be typed", () => {
    expect(shownDigits(IDS)).toBe(16);
    expect(shownDigits(IDS.slice(1))).toBe(8);
    expect(shownDigits([])).toBe(8);
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 1e6 }), { minLength: 1 }), (times) => {
        const ids = times.map((ms) => newSessionId(ms));
        const digits = shownDigits(ids);
        for (const id of ids) expect(findSession(ids, shortId(id, digits))).toBe(id);
      }),
    );
  });
});
