import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { choosePruned, finishPruning, mayGo, removeSession, type SizedSession, sizeOf } from "./prune.js";
import { newSessionId } from "./session-id.js";
import { readSessions, sessionIds } from "./stored-sessions.js";
import { leaveSession } from "./testing.js";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "aiw-prune-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const sized = (endMs: number, bytes: number): SizedSession => ({
  id: newSessionId(endMs),
  folder: "",
  endMs,
  bytes,
});

it("takes the oldest first, by age and until the others fit", () => {
  const [a, b, c] = [sized(1000, 10), sized(2000, 20), sized(3000, 30)] as const;
  const chosen = (limits: Parameters<typeof choosePruned>[2], kept = 0) =>
    choosePruned([c, a, b], kept, limits);
  expect(chosen({ endedBeforeMs: 2000 })).toEqual([a]);
  expect(chosen({ endedBeforeMs: 2001 })).toEqual([a, b]);
  expect(chosen({ maxBytes: 60 })).toEqual([]);
  expect(chosen({ maxBytes: 59 })).toEqual([a]);
  expect(chosen({ maxBytes: 59 }, 10)).toEqual([a, b]);
  expect(chosen({ maxBytes: 0 }, 100)).toEqual([a, b, c]);
  expect(chosen({ endedBeforeMs: 2001, maxBytes: 30 })).toEqual([a, b]);
  expect(chosen({})).toEqual([]);
});

it("leaves no more than was asked for, and takes none that need not go", () => {
  const session = fc.tuple(fc.nat(1e6), fc.nat(1000)).map(([endMs, bytes]) => sized(endMs, bytes));
  fc.assert(
    fc.property(fc.array(session), fc.nat(5000), (sessions, maxBytes) => {
      const gone = choosePruned(sessions, 0, { maxBytes });
      const left = sessions.filter((one) => !gone.includes(one));
      const bytes = (some: readonly SizedSession[]) => some.reduce((sum, one) => sum + one.bytes, 0);
      expect(bytes(left)).toBeLessThanOrEqual(maxBytes);
      const youngest = gone.at(-1);
      if (youngest !== undefined) expect(bytes(left) + youngest.bytes).toBeGreaterThan(maxBytes);
      for (const one of left) for (const other of gone) expect(other.endMs).toBeLessThanOrEqual(one.endMs);
    }),
  );
});

it("takes a session's own files and nothing else, wherever it was stopped", async () => {
  const precious = join(dir, "precious");
  writeFileSync(precious, "kept");
  const id = leaveSession(dir, 1000, {}, "line\n");
  expect(await sizeOf(join(dir, id))).toBeGreaterThan(5);
  await removeSession(dir, id);
  expect(readdirSync(dir)).toEqual(["precious"]);
  // Killed between the files.
  mkdirSync(join(dir, `.${id}.pruned`));
  writeFileSync(join(dir, `.${id}.pruned`, "poster.jpg"), "");
  mkdirSync(join(dir, ".notes.pruned"));
  await finishPruning(dir);
  expect(readdirSync(dir).sort()).toEqual([".notes.pruned", "precious"]);
  // What came into it meanwhile stays.
  const other = leaveSession(dir, 2000);
  writeFileSync(join(dir, other, "notes.txt"), "");
  await expect(removeSession(dir, other)).rejects.toMatchObject({ code: "ENOTEMPTY" });
  expect(readdirSync(join(dir, `.${other}.pruned`))).toEqual(["notes.txt"]);
});

it.each([
  [
    "a file of somebody else",
    (folder: string) => writeFileSync(join(folder, "notes.txt"), ""),
    /holds notes.txt/,
  ],
  ["a folder", (folder: string) => mkdirSync(join(folder, "more")), /holds more/],
  [
    "a link",
    (folder: string) => symlinkSync("../elsewhere", join(folder, "poster.jpg")),
    /its poster.jpg is no ordinary file/,
  ],
])("does not touch a folder that holds %s", async (_, spoil, problem) => {
  const id = leaveSession(dir, 1000);
  spoil(join(dir, id));
  expect(await sizeOf(join(dir, id))).toMatch(problem);
});

it("never chooses what is not a closed session", async () => {
  const entry = fc.record({
    kind: fc.constantFrom("closed", "open", "unfinished", "damaged", "foreign", "link", "file", "hidden"),
    atMs: fc.nat(1e9),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(entry, { selector: ({ atMs }) => atMs, maxLength: 12 }),
      async (entries) => {
        rmSync(dir, { recursive: true });
        mkdirSync(dir);
        const closed = new Set<string>();
        for (const { kind, atMs } of entries) {
          const id = newSessionId(atMs, (n) => new Uint8Array(n));
          const path = join(dir, id);
          if (kind === "link") symlinkSync(tmpdir(), path);
          else if (kind === "file") writeFileSync(path, "");
          else if (kind === "foreign") mkdirSync(join(dir, `notes-${atMs}`));
          else if (kind === "hidden") mkdirSync(join(dir, `.${id}`));
          else leaveSession(dir, atMs);
          if (kind === "closed") closed.add(id);
          if (kind === "damaged") writeFileSync(join(path, "session.json"), "{");
          if (kind === "open") writeFileSync(join(path, "open.json"), '{"client_id":"pi"}');
          if (kind === "unfinished") {
            writeFileSync(join(path, "open.json"), '{"camera":"door","owner":"00"}');
            rmSync(join(path, "session.json"));
          }
        }
        const before = readdirSync(dir);
        for await (const session of readSessions(dir, (await sessionIds(dir)) ?? [])) {
          if (mayGo(session)) await removeSession(dir, session.id);
        }
        expect(readdirSync(dir)).toEqual(before.filter((name) => !closed.has(name)));
      },
    ),
    { numRuns: 50 },
  );
});
