import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { blankFrame } from "../../testing/blank-frame.js";
import { KeptFrame } from "../../frame/kept-frame.js";
import { detectionRecord } from "../../results/record.js";
import { ManualClock } from "../../testing/manual-clock.js";
import type { Files } from "./files.js";
import { newSessionId } from "./session-id.js";
import { SessionStore } from "./store.js";
import { errorOf, MortalFiles, presences, resultOf } from "./testing.js";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "aiw-crash-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const OUTCOMES = [resultOf(1), errorOf(2), resultOf(3)];
const LINES = OUTCOMES.map((outcome) => `${JSON.stringify(detectionRecord(outcome, "ab"))}\n`);
const notes: string[] = [];

async function openStore(files: Files | undefined, alive: Set<string>, id: string): Promise<SessionStore> {
  return SessionStore.open(dir, {
    clock: new ManualClock(),
    onNote: (text) => notes.push(text),
    announce: presences(alive, id),
    encode: async () => Buffer.from("a picture"),
    ...(files === undefined ? {} : { files }),
  });
}

/** One session from its beginning to its end. */
async function live(files: Files, alive: Set<string>, sessionId: string): Promise<void> {
  const store = await openStore(files, alive, "a1");
  const startWallMs = 1_700_000_000_000;
  const record = store.begin({ sessionId, camera: "door", startWallMs, modelId: "ab" });
  const frame = new KeptFrame(blankFrame());
  for (const outcome of OUTCOMES) record.append(outcome);
  record.poster(resultOf(1, { frame }), 0.9);
  await record.close({ endWallMs: startWallMs + 1000, reason: "silence" });
  await store.close(new AbortController().signal);
}

/** What a session's folder says; undefined where there is none. */
function outcome(sessionId: string) {
  const left = readdirSync(dir);
  if (left.length === 0) return undefined;
  expect(left).toEqual([sessionId]);
  const names = readdirSync(join(dir, sessionId)).sort();
  expect(["detections.ndjson,poster.jpg,session.json", "detections.ndjson,session.json"]).toContain(
    names.join(),
  );
  const lines = readFileSync(join(dir, sessionId, "detections.ndjson"), "utf8");
  const json = JSON.parse(readFileSync(join(dir, sessionId, "session.json"), "utf8"));
  return { lines, json, hasPoster: names.includes("poster.jpg") };
}

it("leaves a session that the next start closes, wherever it is killed, and wherever that start is killed", async () => {
  const reasons = new Set<string>();
  let isDone = false;
  for (let n = 1; !isDone; n++) {
    for (let m = 1; ; m++) {
      rmSync(dir, { recursive: true });
      const sessionId = newSessionId(1_700_000_000_500);
      const alive = new Set<string>();
      const mortal = new MortalFiles(n);
      await Promise.race([live(mortal, alive, sessionId), mortal.died]);
      isDone = !mortal.isDead;
      await mortal.closeAll();
      alive.clear();

      const second = new MortalFiles(m);
      const opened = openStore(second, alive, "a2").then((store) => store.recovered);
      const survived = await Promise.race([opened.then(() => true), second.died.then(() => false)]);
      await second.closeAll();
      alive.clear();

      const third = await openStore(undefined, alive, "a3");
      await third.close(new AbortController().signal);
      const found = outcome(sessionId);
      if (found !== undefined) {
        const { json, lines, hasPoster } = found;
        const count = lines.split("\n").length - 1;
        expect(lines).toBe(LINES.slice(0, count).join(""));
        expect(json.frames).toMatchObject({
          results: [0, 1, 1, 2][count],
          errors: [0, 0, 1, 1][count],
        });
        expect(json.poster).toBe(hasPoster ? "poster.jpg" : null);
        expect(Date.parse(json.end)).toBeGreaterThanOrEqual(Date.parse(json.start));
        reasons.add(`${json.reason} ${count}`);
      }
      if (isDone) expect(found?.json.reason).toBe("silence");
      if (survived) {
        if (third.recovered.length > 0)
          throw new Error(`${n}/${m}: found open after a start that was not killed`);
        break;
      }
    }
  }
  expect([...reasons].sort()).toEqual([
    "recovered 0",
    "recovered 1",
    "recovered 2",
    "recovered 3",
    "silence 3",
  ]);
  expect(notes).toEqual([]);
});
