import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readOpenHeader } from "./open-header.js";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "aiw-open-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const ID = "20261126T144111Z-0a31f6e2b97c4d58";
const OF_ID = "2026-11-26T14:41:11.000Z";
const START = "2026-11-26T14:41:10.500Z";
const AGENTS = {
  session_id: ID,
  camera: "door",
  client_id: "door",
  start: START,
  model_id: "ab",
  owner: "b2",
};
const WORKERS = { session_id: ID, client_id: "pi", start: START };

function read(open: unknown) {
  writeFileSync(join(dir, "open.json"), typeof open === "string" ? open : JSON.stringify(open));
  return readOpenHeader(dir, ID);
}

it.each([
  ["an agent's", AGENTS, "agent", AGENTS],
  ["an agent's in a folder that holds no socket", { ...AGENTS, owner: null }, "agent", { owner: null }],
  ["an agent's whose owner came to harm", { ...AGENTS, owner: 7 }, "agent", { owner: null, camera: "door" }],
  ["an agent's without a camera", { ...WORKERS, owner: "b2" }, "agent", { owner: "b2", camera: "pi" }],
  ["an agent's without a client", { camera: "door", owner: "b2" }, "agent", { client_id: "door" }],
  ["an agent's whose start is no time", { ...AGENTS, start: "soon" }, "agent", { start: OF_ID, owner: "b2" }],
  ["an agent's of which nothing else holds", { owner: "b2" }, "agent", { camera: "", start: OF_ID }],
  ["one that names another session", { ...AGENTS, session_id: "s" }, "agent", { session_id: ID }],
  ["the worker's", WORKERS, "worker", { camera: "pi", client_id: "pi", start: START, owner: null }],
  ["the worker's, with a camera", { ...WORKERS, camera: "door" }, "worker", { camera: "door" }],
  ["the worker's, with nothing in it", {}, "worker", { camera: "", start: OF_ID, model_id: null }],
  ["a list", [AGENTS], null, { camera: "", owner: null, start: OF_ID }],
  ["null", "null", null, { owner: null }],
  ["a text", '"owner"', null, { owner: null }],
  ["half of it", '{"owner":"b', null, { owner: null }],
  ["zeros", "\0\0\0", null, { owner: null }],
  ["nothing", "", null, { owner: null }],
  ["far too much", " ".repeat(2_000_000) + JSON.stringify(AGENTS), null, { owner: null }],
] as const)("tells whose a session is: %s", async (_, open, by, header) => {
  expect(await read(open)).toMatchObject({ by, header });
});

it("reads what is an ordinary file, and nothing else", async () => {
  const nothing = { by: null, header: { session_id: ID, camera: "", start: OF_ID } };
  expect(await readOpenHeader(dir, ID)).toMatchObject(nothing);
  writeFileSync(join(dir, "elsewhere"), JSON.stringify(AGENTS));
  symlinkSync(join(dir, "elsewhere"), join(dir, "open.json"));
  expect(await readOpenHeader(dir, ID)).toMatchObject(nothing);
  rmSync(join(dir, "open.json"));
  mkdirSync(join(dir, "open.json"));
  expect(await readOpenHeader(dir, ID)).toMatchObject(nothing);
});

it("takes anything", async () => {
  const field = fc.constantFrom("camera", "client_id", "start", "model_id", "owner");
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.dictionary(field, fc.jsonValue())), async (open) => {
      const { header } = await read(open);
      expect(Date.parse(header.start)).not.toBeNaN();
      expect(header).toMatchObject({ session_id: ID, camera: expect.any(String) });
    }),
    { numRuns: 200 },
  );
});
