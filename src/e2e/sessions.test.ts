import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { closedJson, leaveSession, resultOf } from "../sinks/sessions/testing.js";
import { detectionRecord } from "../results/record.js";
import { aiw, jsonLines } from "./aiw.js";
import { scratchFolder } from "./scratch-folder.js";

const { folder, subfolder } = scratchFolder("sessions");
const DAY_MS = 86_400_000;
const RECORD = `${JSON.stringify(detectionRecord(resultOf(1), "ab"))}\n`;

/** Three sessions that ended, one that is open, and what is none. */
function sessionsOf(name: string) {
  const dir = subfolder(name);
  const now = Date.now();
  const old = leaveSession(dir, now - 40 * DAY_MS, {}, RECORD);
  const recent = leaveSession(dir, now - 5 * DAY_MS, { camera: "yard" }, RECORD);
  const newest = leaveSession(
    dir,
    now - 3_600_000,
    { detections: { total: 1, by_class: { car: 1 } } },
    RECORD,
  );
  const open = leaveSession(dir, now - 50 * DAY_MS, {}, RECORD);
  writeFileSync(
    join(dir, open, "open.json"),
    JSON.stringify({ session_id: open, client_id: "pi", start: closedJson(0).start }),
  );
  mkdirSync(join(dir, "notes"));
  writeFileSync(join(dir, "notes", "session.json"), "{}");
  return { dir, old, recent, newest, open };
}

describe("aiw sessions", () => {
  it("lists what is there, the newest first", async () => {
    const { dir, old, recent, newest, open } = sessionsOf("list");
    const all = await aiw(["sessions", "list", "--sessions-dir", dir]);
    expect(all).toMatchObject({ code: 0, stderr: "" });
    const first = all.stdout.split("\n").map((line) => line.split(" ")[0]);
    expect(first).toEqual(["id", newest, recent, old, open, ""]);
    const json = await aiw([
      "sessions",
      "list",
      "--json",
      "--camera",
      "door",
      "--since",
      "41d",
      "--sessions-dir",
      dir,
    ]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ...{ schema: "aiw.sessions/1", dir },
      sessions: [
        { session_id: newest, state: "closed", detections: { by_class: { car: 1 } } },
        { session_id: old, state: "closed" },
      ],
    });
    const few = await aiw(["sessions", "list", "--limit", "1", "--class", "person", "--sessions-dir", dir]);
    expect(few.stdout.split("\n")).toHaveLength(3);
    expect(few.stderr).toBe("aiw: the newest 1; more with --limit, all with --json\n");
  });

  it("shows one by the beginning of its id", async () => {
    const { dir, recent } = sessionsOf("show");
    const card = await aiw(["sessions", "show", recent.slice(0, 12), "--sessions-dir", dir]);
    expect(card.stdout).toContain(`session     ${recent}\ncamera      yard\n`);
    const json = await aiw(["sessions", "show", recent, "--json", "--sessions-dir", dir]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      state: "closed",
      camera: "yard",
      frames: { results: 100 },
    });
    const none = await aiw(["sessions", "show", "zz", "--sessions-dir", dir]);
    expect(none).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining('no session begins with "zz"'),
    });
  });

  it("exports detections as NDJSON and CSV, and folders", async () => {
    const { dir, recent, newest } = sessionsOf("export");
    const place = ["--sessions-dir", dir];
    const lines = await aiw(["sessions", "export", newest, recent, ...place]);
    expect(jsonLines(lines.stdout).map(({ session }) => session)).toEqual([recent, newest]);
    expect(lines.stderr).toBe("aiw: 2 records of 2 sessions to stdout\n");
    const csv = join(folder, "people.csv");
    await aiw(["sessions", "export", "--since", "7d", "--class", "person", "--out", csv, ...place]);
    expect(readFileSync(csv, "utf8").split("\r\n")).toHaveLength(3);
    const copied = join(folder, "evidence");
    expect((await aiw(["sessions", "export", "--all", "--out", copied, ...place])).code).toBe(0);
    expect(readdirSync(copied)).toHaveLength(4);
    expect(await aiw(["sessions", "export", newest, "--out", copied, ...place])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is there already"),
    });
  });

  it("prunes by age and by size, and asks first", async () => {
    const { dir, old, recent, newest, open } = sessionsOf("prune");
    const prune = (...args: string[]) => aiw(["sessions", "prune", ...args, "--sessions-dir", dir]);
    const dry = await prune("--older-than", "30d", "--dry-run");
    expect(dry.stdout).toMatch(new RegExp(`^${old}  ended .*\n$`));
    expect(dry.stderr).toMatch(/^aiw: would take away 1 session of 4, /);
    const unasked = await prune("--older-than", "30d");
    expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining("add --yes") });
    expect(existsSync(join(dir, old))).toBe(true);
    expect(await prune("--older-than", "30d", "--yes")).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^aiw: took away 1 session, /),
    });
    expect(readdirSync(dir).sort()).toEqual([open, recent, newest, "notes"].sort());
    expect((await prune("--max-size", "0", "--yes")).code).toBe(0);
    expect(readdirSync(dir).sort()).toEqual([open, "notes"].sort());
    expect(readdirSync(join(dir, open))).toContain("open.json");
  });

  it("has a folder of its own name unless told otherwise, and says where there is none", async () => {
    const config = join(folder, "aiw.yaml");
    writeFileSync(config, "sessions_dir: kept\n");
    const none = await aiw(["sessions", "list", "--config", config]);
    expect(none).toMatchObject({ code: 0, stdout: "" });
    expect(none.stderr).toMatch(/^aiw: no sessions in .*kept, which is not there\n$/);
    expect(
      JSON.parse((await aiw(["sessions", "list", "--json", "--config", config])).stdout).sessions,
    ).toEqual([]);
  });

  it.each([
    [["list", "--sessions-dir", "/no/such"], "--sessions-dir /no/such is not there"],
    [["list", "--since", "soon"], '--since "soon" is not a time such as "24h", "7d" or "2026-11-26"'],
    [["list", "--limit", "0"], '--limit "0" is not a whole number of 1 or more'],
    [["prune"], "say what is to go: --older-than 30d, --max-size 5GB, or both"],
    [["prune", "--max-size", "many"], '--max-size "many" is not a size such as "500MB" or "5GB"'],
    [["prune", "--older-than", "0d"], '--older-than "0d" is not a time above 0'],
    [["export"], "name sessions, choose them with --since, --camera or --class, or add --all"],
    [["export", "x", "--format", "xml"], '--format "xml" is not one of ndjson, csv, folder'],
    [["export", "x", "--format", "folder"], "--format folder needs --out DIR"],
  ])("refuses %j", async (args, message) => {
    const { code, stdout, stderr } = await aiw(["sessions", ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(`aiw: error USAGE: ${message}`);
    expect(stderr.split("\n")).toHaveLength(2);
  });
});
