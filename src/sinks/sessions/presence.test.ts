import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { announcePresence, presenceCheck } from "./presence.js";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "aiw-presence-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const ID = "00112233445566ff";
const LISTEN = `require("net").createServer().listen(process.argv[1], () => console.log("ready"))`;

it("ends with the process in the moment it is killed", async () => {
  const child = spawn(process.execPath, ["-e", LISTEN, join(dir, `.agent-${ID}.sock`)]);
  await once(child.stdout, "data");
  const presence = await announcePresence(dir, () => {});
  expect(await presence.isAlive(ID)).toBe(true);
  child.kill("SIGSTOP");
  expect(await presence.isAlive(ID)).toBe(true);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await presence.isAlive(ID)).toBe(false);
  const next = await announcePresence(dir, () => {});
  expect(readdirSync(dir).sort()).toEqual([presence, next].map(({ id }) => `.agent-${id}.sock`).sort());
  await presence.close();
  await next.close();
  expect(readdirSync(dir)).toEqual([]);
});

it.skipIf(process.platform !== "linux")(
  "is seen in a folder whose path is too long for a socket's",
  async () => {
    const long = join(dir, "a-long-name-".repeat(12), "another-".repeat(12));
    mkdirSync(long, { recursive: true });
    const notes: string[] = [];
    const presence = await announcePresence(long, (text) => notes.push(text));
    expect(notes).toEqual([]);
    const looking = presenceCheck(long);
    expect(await looking.isAlive(presence.id ?? "")).toBe(true);
    await presence.close();
    expect(readdirSync(long)).toEqual([]);
    const again = presenceCheck(long);
    expect(await again.isAlive(presence.id ?? "")).toBe(false);
    for (const check of [looking, again]) await check.close();
  },
);

it("is told where the folder can't hold a socket", async () => {
  const notes: string[] = [];
  const presence = await announcePresence(join(dir, "gone"), (text) => notes.push(text));
  expect(presence.id).toBeNull();
  expect(notes).toEqual([expect.stringContaining("can't hold a socket")]);
});
