import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { isFailure, type SourceItem } from "../frame/frame.js";
import { ManualClock } from "../testing/manual-clock.js";
import { streamInput } from "./cameras.js";
import { fileInput } from "./ffmpeg-args.js";
import { openFfmpeg } from "./ffmpeg-source.js";
import { collect, fakeFfmpeg, isRunning, StillClock, sourceOptions, temporaryFolder } from "./testing.js";

const firstByte = (item: SourceItem) => (isFailure(item) ? -1 : (item.data[0] ?? -1));
const VIDEO = fileInput("/videos/a.avi", "a.avi");
const CAMERA = streamInput("rtsp://admin:secret@camera/live");

/** Options with a script in ffmpeg's place, see fakeFfmpeg. */
function optionsWith(body: string, changes: Parameters<typeof sourceOptions>[0] = {}) {
  const binary = fakeFfmpeg(body);
  return sourceOptions({ ffmpeg: async () => binary, pixelFormat: "rgb24", ...changes });
}

describe.skipIf(process.platform === "win32")("a video through ffmpeg", () => {
  it("gives the frames with what ffmpeg said of them", async () => {
    const source = await openFfmpeg(
      VIDEO,
      optionsWith("header(); for (let i = 0; i < 20; i += 1) frame(i);"),
    );
    expect(source).toMatchObject({ name: "a.avi", live: false, rateFps: 10 });
    const { seen, error } = await collect(source, (item) =>
      isFailure(item) ? null : { ...item, data: item.data[0] },
    );
    expect(error).toBeUndefined();
    expect(seen.map((item) => item?.data)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(seen[3]).toMatchObject({
      width: 8,
      height: 4,
      format: "rgb24",
      origin: { source: "a.avi", width: 16, height: 8 },
    });
  });

  it("reads into a few buffers, however many frames come", async () => {
    const source = await openFfmpeg(
      VIDEO,
      optionsWith("header(); for (let i = 0; i < 200; i += 1) frame(i);"),
    );
    const { seen } = await collect(source, (item) => (isFailure(item) ? null : item.data.buffer));
    expect(seen.length).toBe(200);
    expect(new Set(seen).size).toBeLessThanOrEqual(4);
  });

  it("reads nothing before it is known what comes", async () => {
    const source = await openFfmpeg(VIDEO, optionsWith("frame(1); frame(2); header();"));
    expect((await collect(source, firstByte)).seen).toEqual([1, 2]);
  });

  it("runs it again for a loop, and adds up its CPU time", async () => {
    const body = 'header(); frame(1); frame(2); say("[info] bench: utime=1.000s stime=0.500s rtime=2.0s");';
    const source = await openFfmpeg(VIDEO, optionsWith(body, { loop: true }));
    expect((await collect(source, firstByte, 5)).seen).toEqual([1, 2, 1, 2, 1]);
    expect(source.cpuUs?.()).toBeGreaterThanOrEqual(3_000_000);
  });

  it("does not loop for ever over a video without frames", async () => {
    const options = optionsWith("header();", { loop: true });
    const { seen, error } = await collect(await openFfmpeg(VIDEO, options), firstByte);
    expect(seen).toEqual([]);
    expect(error).toMatchObject({
      code: "SOURCE_UNDECODABLE",
      message: "a.avi cannot be decoded: there is no frame in it",
    });
  });

  it("says how many frames came when ffmpeg fails after them", async () => {
    const body = 'header(); frame(1); frame(2); say("[h264 @ 0x1] [error] out of luck"); process.exit(69);';
    const { seen, error } = await collect(await openFfmpeg(VIDEO, optionsWith(body)), firstByte);
    expect(seen).toEqual([1, 2]);
    expect(error).toMatchObject({
      code: "FFMPEG_FAILED",
      message: "a.avi: ffmpeg ended with exit code 69 after 2 frames: out of luck",
      detail: expect.stringContaining("Input #0, avi"),
    });
  });

  it("says so when the file ends too early, though ffmpeg itself is content", async () => {
    const body = 'header(); frame(1); say("[mov @ 0x1] [error] stream 0, offset 0x19264: partial file");';
    const { seen, error } = await collect(await openFfmpeg(VIDEO, optionsWith(body)), firstByte);
    expect(seen).toEqual([1]);
    expect(error).toMatchObject({
      code: "SOURCE_UNDECODABLE",
      message: expect.stringContaining("cut short"),
    });
  });

  it.each([
    [
      'say("[in#0 @ 0x5] [error] moov atom not found"); process.exit(183);',
      "SOURCE_UNDECODABLE",
      "moov atom not found",
    ],
    ["process.exit(3);", "FFMPEG_FAILED", "ended with exit code 3 before the first frame"],
    ["", "FFMPEG_FAILED", "ended with exit code 0 before the first frame"],
    ['process.kill(process.pid, "SIGKILL");', "FFMPEG_FAILED", "ended by SIGKILL before the first frame"],
    ['header({ demuxer: "tty" }); frame(1);', "SOURCE_UNDECODABLE", "a.avi is text, not a video"],
    [
      "say(\"[error] Unrecognized option 'map'.\"); process.exit(1);",
      "FFMPEG_FAILED",
      "Unrecognized option 'map'.",
    ],
  ])("%s is %s", async (body, code, message) => {
    await expect(openFfmpeg(VIDEO, optionsWith(body))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  it("speaks to an old ffmpeg in its own words", async () => {
    const body = `if (args.includes("-fps_mode")) { say("[error] Unrecognized option 'fps_mode'."); process.exit(1); }
      header(); frame(args.indexOf("-vsync") > 0 ? 7 : 0);`;
    const options = optionsWith(body);
    expect((await collect(await openFfmpeg(VIDEO, options), firstByte)).seen).toEqual([7]);
    expect((await collect(await openFfmpeg(VIDEO, options), firstByte)).seen).toEqual([7]);
  });

  it("names a binary that cannot be run", async () => {
    const path = join(temporaryFolder(), "ffmpeg");
    const options = sourceOptions({ ffmpeg: async () => path });
    await expect(openFfmpeg(VIDEO, options)).rejects.toMatchObject({
      code: "FFMPEG_MISSING",
      message: `${path} cannot be run (ENOENT)`,
    });
    writeFileSync(path, "not executable");
    await expect(openFfmpeg(VIDEO, options)).rejects.toMatchObject({
      message: `${path} cannot be run (EACCES)`,
    });
  });

  it("leaves no process behind when the consumer leaves early", async () => {
    const pidFile = join(temporaryFolder(), "pid");
    const body = `require("node:fs").writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));
      header(); for (;;) frame(1);`;
    const source = await openFfmpeg(VIDEO, optionsWith(body));
    await collect(source, firstByte, 3);
    expect(isRunning(Number(readFileSync(pidFile, "utf8")))).toBe(false);
  });

  it("kills an ffmpeg that does not end when asked to, after a while", async () => {
    const clock = new StillClock();
    const body = 'process.on("SIGTERM", () => {}); header(); frame(1); setInterval(() => {}, 1000);';
    const source = await openFfmpeg(VIDEO, optionsWith(body, { clock }));
    const items = source.frames();
    await items.next();
    const closed = source.close();
    await vi.waitFor(() => expect(clock.waiting).toBe(1));
    clock.advance(2_000_000);
    await closed;
    await source.close();
    expect(clock.waiting).toBe(0);
  });

  it("wakes a consumer that waits when it is closed", async () => {
    const source = await openFfmpeg(VIDEO, optionsWith("header(); setInterval(() => {}, 1000);"));
    const next = source.frames().next();
    await source.close();
    expect((await next).done).toBe(true);
  });

  it("gives up opening when interrupted", async () => {
    const abort = new AbortController();
    const clock = new StillClock();
    const opening = openFfmpeg(
      CAMERA,
      optionsWith("setInterval(() => {}, 1000);", { clock, signal: abort.signal }),
    );
    const outcome = expect(opening).rejects.toMatchObject({ code: "INTERRUPTED" });
    await vi.waitFor(() => expect(clock.waiting).toBe(1));
    abort.abort();
    await outcome;
  });
});

describe.skipIf(process.platform === "win32")("a camera through ffmpeg", () => {
  const live = 'header({ duration: "N/A", demuxer: "rtsp" });';

  it("is live, is never made to wait, and gives the youngest frames", async () => {
    const marker = join(temporaryFolder(), "written");
    const body = `${live} for (let i = 0; i < 5000; i += 1) frame(i % 251);
      require("node:fs").writeFileSync(${JSON.stringify(marker)}, ""); setInterval(() => {}, 1000);`;
    const source = await openFfmpeg(CAMERA, optionsWith(body));
    expect(source).toMatchObject({ live: true, name: "rtsp://***@camera/live" });
    const items = source.frames();
    await items.next();
    // 480 kB are more than a socket holds: all of it was written only if we went on reading.
    await vi.waitFor(() => readFileSync(marker), 5000);
    await vi.waitFor(() => expect(source.overruns?.()).toBeGreaterThan(4900), 5000);
    const item = (await items.next()).value;
    expect(item === undefined ? -1 : firstByte(item)).toBeGreaterThanOrEqual(0);
    await source.close();
  });

  it("is lost when it ends", async () => {
    const { seen, error } = await collect(
      await openFfmpeg(CAMERA, optionsWith(`${live} frame(1);`)),
      firstByte,
    );
    expect(seen).toEqual([1]);
    expect(error).toMatchObject({
      code: "SOURCE_LOST",
      message: "rtsp://***@camera/live ended after 1 frames",
    });
  });

  it("is a recording when its length is known: it waits, and ends well", async () => {
    const source = await openFfmpeg(CAMERA, optionsWith("header(); frame(1);"));
    expect(source.live).toBe(false);
    expect(await collect(source, firstByte)).toEqual({ seen: [1], error: undefined });
  });

  it("is lost when it says nothing more for ten seconds", async () => {
    const clock = new ManualClock();
    const source = await openFfmpeg(
      CAMERA,
      optionsWith(`${live} frame(1); setInterval(() => {}, 1000);`, { clock }),
    );
    const items = source.frames();
    await items.next();
    const next = expect(items.next()).rejects.toMatchObject({
      code: "SOURCE_LOST",
      message: "rtsp://***@camera/live sent nothing more for 10 s",
    });
    await clock.advanceBy(10_000_000);
    await next;
  });

  it("is lost when it does not answer", async () => {
    const clock = new StillClock();
    const opening = openFfmpeg(CAMERA, optionsWith("setInterval(() => {}, 1000);", { clock }));
    const outcome = expect(opening).rejects.toMatchObject({
      code: "SOURCE_LOST",
      message: "rtsp://***@camera/live did not answer for 20 s",
    });
    await vi.waitFor(() => expect(clock.waiting).toBe(1));
    clock.advance(20_000_000);
    await outcome;
  });

  it.each([
    ["Connection refused", "SOURCE_LOST"],
    ["Server returned 404 Not Found", "SOURCE_NOT_FOUND"],
    ["method DESCRIBE failed: 401 Unauthorized", "SOURCE_LOST"],
  ])("%s is %s, and the credentials stay hidden", async (reason, code) => {
    const body = `say("[error] rtsp://admin:secret@camera/live: ${reason}"); process.exit(1);`;
    const error = await openFfmpeg(CAMERA, optionsWith(body)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code,
      message: `rtsp://***@camera/live cannot be opened: rtsp://***@camera/live: ${reason}`,
    });
    expect(JSON.stringify(error)).not.toMatch(/secret/);
  });
});

describe.skipIf(process.platform === "win32")("without a socket of our own", () => {
  it("gives the same frames, by copying", async () => {
    const options = optionsWith("header(); for (let i = 0; i < 50; i += 1) frame(i);");
    vi.stubEnv("TMPDIR", "/nowhere");
    const source = await openFfmpeg(VIDEO, options);
    vi.unstubAllEnvs();
    expect((await collect(source, firstByte)).seen).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });
});
