import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { constants } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AGENT_EVENT_NAMES, eventRecord } from "../../results/agent-event.js";
import { ManualClock } from "../../testing/manual-clock.js";
import { openNdjsonFile } from "./ndjson-file.js";
import { atOnce, eventOf, never } from "./testing.js";

let root: string;
let path: string;
let notes: string[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "aiw-events-"));
  path = join(root, "events.ndjson");
  notes = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const target = (place: string) => ({
  kind: "ndjson" as const,
  name: `ndjson:${place}`,
  place,
  events: new Set(AGENT_EVENT_NAMES),
});
type Write = Parameters<typeof openNdjsonFile>[2];
const open = (place = path, write?: Write, clock = new ManualClock()) =>
  openNdjsonFile(target(place), { clock, onNote: (text) => notes.push(text) }, write);
const line = (n: number) => `${JSON.stringify(eventRecord(eventOf("session.open", n)))}\n`;
const refused = (code: string) => Object.assign(new Error(code), { code });

it("appends the record of each event as a line, to what is there", async () => {
  writeFileSync(path, line(0));
  const sink = open();
  for (let n = 1; n < 100; n += 1) sink.write(eventOf("session.open", n));
  expect(sink.counts()).toEqual({ delivered: 0, dropped: 0, waiting: 99 });
  await sink.close(never());
  await sink.close(never());
  expect(readFileSync(path, "utf8")).toBe(Array.from({ length: 100 }, (_, n) => line(n)).join(""));
  expect(sink.counts()).toEqual({ delivered: 99, dropped: 0, waiting: 0 });
  sink.write(eventOf("session.open"));
  expect(sink.counts().dropped).toBe(1);
});

it("writes the events that were chosen alone, and what can't be written costs nothing else", async () => {
  const sink = openNdjsonFile(
    { ...target(path), events: new Set(["session.open"]) },
    { clock: new ManualClock(), onNote: (text) => notes.push(text) },
  );
  sink.write(eventOf("ai.detection"));
  sink.write(eventOf("session.open", Number.NaN));
  sink.write(eventOf("session.open", 1));
  await sink.close(never());
  expect(readFileSync(path, "utf8")).toBe(line(1));
  expect(sink.counts()).toEqual({ delivered: 1, dropped: 1, waiting: 0 });
});

describe("what a crash left at the end", () => {
  it.each([
    ["half a line of ours", `${line(0)}${line(1).slice(0, 60)}`, line(0)],
    ["half a line of ours alone", line(1).slice(0, 60), ""],
    ["a text of somebody else", "notes", "notes\n"],
    ["nothing", "", ""],
  ])("%s", async (_, before, kept) => {
    writeFileSync(path, before);
    const sink = open();
    sink.write(eventOf("session.open", 2));
    await sink.close(never());
    expect(readFileSync(path, "utf8")).toBe(`${kept}${line(2)}`);
  });
});

describe("a disk that is full", () => {
  it("costs events, which are counted and told of once, and never half a line", async () => {
    const { promisify } = await import("node:util");
    const fs = await import("node:fs");
    let isFull = false;
    let tries = 0;
    // As the kernel does it: what there is room for, and then the error.
    const write: Write = async (fd, bytes, from) => {
      if (!isFull) return (await promisify(fs.write)(fd, bytes, from)).bytesWritten;
      tries += 1;
      if (from > 0) throw refused("ENOSPC");
      return (await promisify(fs.write)(fd, bytes, 0, 20)).bytesWritten;
    };
    const sink = open(path, write);
    const settled = async (n: number) => {
      sink.write(eventOf("session.open", n));
      await vi.waitFor(() => expect(sink.counts().waiting).toBe(0));
    };
    await settled(1);
    isFull = true;
    await settled(2);
    await settled(3);
    expect(tries).toBeGreaterThan(2);
    expect(readFileSync(path, "utf8")).toBe(line(1));
    isFull = false;
    await settled(4);
    await sink.close(never());
    expect(readFileSync(path, "utf8")).toBe(line(1) + line(4));
    expect(sink.counts()).toEqual({ delivered: 2, dropped: 2, waiting: 0 });
    expect(notes).toEqual([
      `ndjson:${path} cannot be written (ENOSPC): its events are dropped`,
      `ndjson:${path} works again; dropped meanwhile: 2 events`,
    ]);
  });

  it.runIf(process.platform === "linux")("as the system's own says it", async () => {
    const sink = open("/dev/full");
    for (let n = 0; n < 5; n += 1) sink.write(eventOf("session.open", n));
    await sink.close(never());
    expect(sink.counts()).toEqual({ delivered: 0, dropped: 5, waiting: 0 });
    expect(notes).toEqual(["ndjson:/dev/full cannot be written (ENOSPC): its events are dropped"]);
  });
});

describe.runIf(process.platform !== "win32")("a pipe", () => {
  const fifo = () => {
    const name = join(root, "pipe");
    execFileSync("mkfifo", [name]);
    return { name, reader: openSync(name, constants.O_RDONLY | constants.O_NONBLOCK) };
  };

  it("whose reader is slow gets whole lines, and what doesn't fit the queue is counted", async () => {
    const { name, reader } = fifo();
    const clock = new ManualClock();
    const sink = open(name, undefined, clock);
    for (let n = 0; n < 3000; n += 1) sink.write(eventOf("session.open", n));
    expect(sink.counts()).toEqual({ delivered: 0, dropped: 2000, waiting: 1000 });
    // The wait for its reader.
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(1), 20_000);
    let text = "";
    const bytes = Buffer.alloc(65536);
    const closed = sink.close(never());
    while (sink.counts().waiting > 0) {
      text += bytes.toString("utf8", 0, takeSome(reader, bytes));
      await clock.advanceBy(100_000);
    }
    await closed;
    text += bytes.toString("utf8", 0, takeSome(reader, bytes));
    closeSync(reader);
    expect(text).toBe(Array.from({ length: 1000 }, (_, n) => line(n + 2000)).join(""));
    expect(sink.counts()).toEqual({ delivered: 1000, dropped: 2000, waiting: 0 });
  });

  it("whose reader has stopped is given up when there is no more time", async () => {
    const { name, reader } = fifo();
    const clock = new ManualClock();
    const sink = open(name, undefined, clock);
    for (let n = 0; n < 1000; n += 1) sink.write(eventOf("session.open", n));
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(1), 20_000);
    await sink.close(atOnce());
    const { delivered, dropped, waiting } = sink.counts();
    expect([delivered + dropped, waiting]).toEqual([1000, 0]);
    expect(clock.pendingTimers).toBe(0);
    closeSync(reader);
  });
});

function takeSome(fd: number, bytes: Buffer): number {
  try {
    return readSync(fd, bytes);
  } catch {
    return 0;
  }
}

describe("a file that is rotated", () => {
  const rotated = () => join(root, "events.ndjson.1");
  const read = (place = path) => readFileSync(place, "utf8");
  const setUp = () => {
    const clock = new ManualClock();
    const sink = open(path, undefined, clock);
    const settled = async (n: number) => {
      sink.write(eventOf("session.open", n));
      await vi.waitFor(() => expect(sink.counts().waiting).toBe(0));
    };
    return { sink, settled, second: () => clock.advanceBy(1_000_000) };
  };

  it.each([
    ["and made anew", true],
    ["alone", false],
  ])("by being renamed %s is followed within a second, and nothing is lost", async (_, isMade) => {
    const { sink, settled, second } = setUp();
    await settled(1);
    renameSync(path, rotated());
    if (isMade) writeFileSync(path, "", { mode: 0o640 });
    await settled(2);
    await second();
    await settled(3);
    await settled(4);
    expect([read(rotated()), read()]).toEqual([line(1) + line(2), line(3) + line(4)]);
    // And again; of the files that were there before none stays open.
    renameSync(path, rotated());
    await second();
    await settled(5);
    expect(read()).toBe(line(5));
    if (process.platform === "linux") {
      const open = readdirSync("/proc/self/fd").flatMap((fd) => linkOf(`/proc/self/fd/${fd}`));
      expect(open.filter((place) => place.startsWith(root))).toEqual([path]);
    }
    await sink.close(never());
    expect([sink.counts(), notes]).toEqual([{ delivered: 5, dropped: 0, waiting: 0 }, []]);
  });

  it("by being copied and emptied is written from its beginning on", async () => {
    const { sink, settled } = setUp();
    await settled(1);
    truncateSync(path);
    await settled(2);
    await sink.close(never());
    expect(read()).toBe(line(2));
  });

  it("and can't be made anew costs events, which is told, until it can", async () => {
    const { sink, settled, second } = setUp();
    await settled(1);
    unlinkSync(path);
    mkdirSync(path);
    await second();
    await settled(2);
    await settled(3);
    rmSync(path, { recursive: true });
    await settled(4);
    await sink.close(never());
    expect(read()).toBe(line(4));
    expect(sink.counts()).toEqual({ delivered: 2, dropped: 2, waiting: 0 });
    expect(notes).toEqual([
      `ndjson:${path} cannot be written (EISDIR): its events are dropped`,
      `ndjson:${path} works again; dropped meanwhile: 2 events`,
    ]);
  });
});

function linkOf(path: string): string[] {
  try {
    return [readlinkSync(path)];
  } catch {
    return [];
  }
}

it("says at once that a file can't be opened", () => {
  expect(() => open(join(root, "none", "x"))).toThrow(/cannot be written \(ENOENT\)/);
  expect(() => open(root)).toThrow(/cannot be written \(EISDIR\)/);
});
