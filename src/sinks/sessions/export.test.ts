import {
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
import { afterEach, beforeEach, expect, it } from "vitest";
import { detectionRecord } from "../../results/record.js";
import { copySession, exportedLines, exportHead } from "./export.js";
import { readSessions, sessionIds } from "./stored-sessions.js";
import { errorOf, leaveSession, resultOf } from "./testing.js";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "aiw-export-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const [PERSON] = resultOf(1).detections;
const RECORDS = [
  resultOf(1),
  errorOf(2),
  resultOf(3, { detections: [] }),
  resultOf(4, { detections: ['=cmd|"x"', "traffic, light"].map((className) => ({ ...PERSON!, className })) }),
].map((outcome) => `${JSON.stringify(detectionRecord(outcome, "ab"))}\n`);

async function session() {
  for await (const one of readSessions(dir, (await sessionIds(dir)) ?? [])) return one;
  throw new Error("none");
}

async function exported(format: "ndjson" | "csv"): Promise<string> {
  let text = exportHead(format);
  for await (const line of exportedLines(await session(), format)) text += line;
  return text;
}

it("gives the records with their session, without those that are half or none", async () => {
  const id = leaveSession(dir, 1000, {}, `${RECORDS.join("")}nonsense\n7\n{"half`);
  const lines = (await exported("ndjson")).split("\n").slice(0, -1);
  expect(lines.map((line) => JSON.parse(line))).toEqual(
    RECORDS.map((line) => ({ session: id, ...JSON.parse(line) })),
  );
});

it("gives a row of CSV a detection, and no formula", async () => {
  const id = leaveSession(dir, 1000, { camera: "door, left" }, RECORDS.join(""));
  const row = (seq: number, ms: string, name: string) =>
    `${id},"door, left",2023-11-14T22:13:20.${ms}Z,door,${seq},8,6,${name},0,0.9,1,1,2,2,\r\n`;
  expect(await exported("csv")).toBe(
    [
      "session,camera,time,source,seq,width,height,class,class_id,confidence,x,y,w,h,track_id\r\n",
      row(1, "100", "person"),
      row(4, "400", `"'=cmd|""x"""`),
      row(4, "400", '"traffic, light"'),
    ].join(""),
  );
});

it("copies a folder whole, once, and nothing that is not of a session", async () => {
  const id = leaveSession(dir, 1000, {}, RECORDS.join(""));
  writeFileSync(join(dir, id, "notes.txt"), "");
  mkdirSync(join(dir, id, "more"));
  symlinkSync(join(dir, id, "notes.txt"), join(dir, id, "poster.jpg"));
  const target = join(dir, "out", "here");
  expect(await copySession(await session(), target)).toBe(2);
  expect(readdirSync(target)).toEqual([id]);
  expect(readdirSync(join(target, id)).sort()).toEqual(["detections.ndjson", "session.json"]);
  expect(readFileSync(join(target, id, "detections.ndjson"), "utf8")).toBe(RECORDS.join(""));
  await expect(copySession(await session(), target)).rejects.toThrow(`${join(target, id)} is there already`);
  expect(readdirSync(target)).toEqual([id]);
});
