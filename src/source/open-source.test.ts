import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { isFailure, type SourceItem } from "../frame/frame.js";
import type { PixelFormat } from "../frame/pixel-format.js";
import { openCamera, openSource } from "./open-source.js";
import { collect, NO_FFMPEG, realFfmpeg, sharedFile, sourceOptions, temporaryFolder } from "./testing.js";

const look = (item: SourceItem) =>
  isFailure(item)
    ? item.failure.code
    : `${item.origin.source} ${item.width}x${item.height} ${item.format} of ${item.origin.width}x${item.origin.height}`;

const jpeg = (side = 8) =>
  sharp({ create: { width: side, height: side, channels: 3, background: "red" } })
    .jpeg()
    .toBuffer();

function write(name: string, content: string | Buffer): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}

describe("openSource", () => {
  it("opens a picture, whatever it is called", async () => {
    for (const name of ["a.jpg", "a.png", "a", "a.mp4"]) {
      const source = await openSource(write(name, await jpeg()), sourceOptions());
      expect(await collect(source, look)).toEqual({ seen: [`${name} 8x8 rgb24 of 8x8`], error: undefined });
      await source.close();
    }
  });

  it("opens a folder and a glob, and a name that only looks like one", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "sub"));
    for (const name of ["10.jpg", "9.jpg", "sub/1.jpg", "x[1].jpg"])
      writeFileSync(join(folder, name), await jpeg());
    writeFileSync(join(folder, "broken.jpg"), "text");
    const open = async (uri: string) => (await collect(await openSource(uri, sourceOptions()), look)).seen;
    expect(await open(folder)).toEqual([
      "9.jpg 8x8 rgb24 of 8x8",
      "10.jpg 8x8 rgb24 of 8x8",
      "SOURCE_UNDECODABLE",
      "x[1].jpg 8x8 rgb24 of 8x8",
      "sub/1.jpg 8x8 rgb24 of 8x8",
    ]);
    expect(await open(`${folder}/**/1*.jpg`)).toEqual([
      "10.jpg 8x8 rgb24 of 8x8",
      "sub/1.jpg 8x8 rgb24 of 8x8",
    ]);
    expect(await open(join(folder, "x[1].jpg"))).toEqual(["x[1].jpg 8x8 rgb24 of 8x8"]);
    expect(await open(`file://${folder}/9.jpg`)).toEqual(["9.jpg 8x8 rgb24 of 8x8"]);
  });

  it("opens the synthetic scene", async () => {
    const source = await openSource("synthetic:?seed=7", sourceOptions({ size: { width: 64, height: 48 } }));
    expect((await collect(source, look, 1)).seen).toEqual(["synthetic:?seed=7 64x48 rgb24 of 64x48"]);
  });

  it.each([
    ["", "USAGE", "--source is empty"],
    ["/nowhere/a.jpg", "SOURCE_NOT_FOUND", "there is no /nowhere/a.jpg"],
    ["/nowhere/*.jpg", "SOURCE_EMPTY", "no picture matches /nowhere/*.jpg"],
    ["synthetic:?sed=1", "USAGE", "unknown option sed"],
    ["rtmp://u:p@host/x", "USAGE", "--source rtmp://…: known are rtsp"],
    ["/dev/video99", "SOURCE_NOT_FOUND", "there is no /dev/video99"],
    ["-", "USAGE", "give one with --size"],
  ])("refuses %j: %s", async (uri, code, message) => {
    await expect(openSource(uri, sourceOptions({ size: "native" }))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  it("refuses an empty file, and text under any name, without asking ffmpeg", async () => {
    for (const name of ["a.mp4", "a.jpg", "a.txt"]) {
      const empty = write(name, "");
      await expect(openSource(empty, sourceOptions())).rejects.toMatchObject({
        code: "SOURCE_UNDECODABLE",
        message: `${empty} is empty (0 bytes)`,
      });
      const text = write(name, "hello\n");
      await expect(openSource(text, sourceOptions())).rejects.toMatchObject({
        code: "SOURCE_UNDECODABLE",
        message: `${text} is text, neither a picture nor a video`,
      });
    }
  });

  it("refuses a folder without pictures", async () => {
    await expect(openSource(temporaryFolder(), sourceOptions())).rejects.toMatchObject({
      code: "SOURCE_EMPTY",
    });
  });

  it("asks for ffmpeg only when it is needed", async () => {
    const path = write("a.mp4", Buffer.from([0, 0, 0, 1]));
    await expect(openSource(path, sourceOptions())).rejects.toMatchObject({ code: "FFMPEG_MISSING" });
    await expect(openCamera("rtsp://u:p@127.0.0.1/x", sourceOptions())).rejects.toMatchObject({
      code: "FFMPEG_MISSING",
    });
  });
});

const ffmpeg = realFfmpeg();

describe.skipIf(ffmpeg === null)(`openSource with ffmpeg (${ffmpeg ?? NO_FFMPEG})`, () => {
  const binary = ffmpeg ?? "";
  const options = (changes: Parameters<typeof sourceOptions>[0] = {}) =>
    sourceOptions({ ffmpeg: async () => binary, ...changes });

  function make(name: string, ...args: string[]): string {
    const path = join(temporaryFolder(), name);
    execFileSync(binary, ["-v", "error", ...args, "-y", path]);
    return path;
  }
  const testVideo = (name: string, size: string, ...args: string[]) =>
    make(name, "-f", "lavfi", "-i", `testsrc=d=1:s=${size}:r=10`, ...args);

  it("reads every frame once, in several containers", async () => {
    for (const name of ["a.mp4", "a.mkv", "a.avi", "a.ts", "a.y4m"]) {
      const path = testVideo(
        name,
        "320x240",
        "-pix_fmt",
        "yuv420p",
        "-c:v",
        name === "a.y4m" ? "wrapped_avframe" : "mpeg4",
      );
      const { seen, error } = await collect(await openSource(path, options()), look);
      expect({ name, count: seen.length, first: seen[0], error }).toEqual({
        name,
        count: 10,
        first: `${name} 320x240 i420 of 320x240`,
        error: undefined,
      });
    }
  });

  it("tells a video by its content", async () => {
    const path = write("video.jpg", readFileSync(testVideo("a.avi", "64x48")));
    const { seen } = await collect(await openSource(path, options()), look);
    expect([seen.length, seen[0]]).toEqual([10, "video.jpg 64x48 i420 of 64x48"]);
  });

  it.each<[string, "native" | { width: number; height: number }, PixelFormat | "auto", string]>([
    ["641x481", "native", "rgb24", "a.mkv 641x481 rgb24 of 641x481"],
    ["641x481", "native", "i420", "a.mkv 642x482 i420 of 641x481"],
    ["641x481", { width: 320, height: 240 }, "nv12", "a.mkv 320x240 nv12 of 641x481"],
    ["768x432", { width: 640, height: 480 }, "auto", "a.mkv 640x360 i420 of 768x432"],
    ["320x240", { width: 640, height: 480 }, "auto", "a.mkv 320x240 i420 of 320x240"],
    ["100x301", { width: 50, height: 50 }, "auto", "a.mkv 16x50 i420 of 100x301"],
  ])("fits %s inside %j as %s", async (native, size, pixelFormat, expected) => {
    const path = testVideo("a.mkv", native, "-c:v", "ffv1");
    const { seen } = await collect(await openSource(path, options({ size, pixelFormat })), look, 1);
    expect(seen).toEqual([expected]);
  });

  it("takes a BMP for the picture that it is, with all its colours", async () => {
    const path = testVideo("a.bmp", "64x48", "-frames:v", "1");
    const { seen } = await collect(await openSource(path, options()), look);
    expect(seen).toEqual(["a.bmp 64x48 rgb24 of 64x48"]);
  });

  it("has the colours of the video", async () => {
    const path = make(
      "a.mkv",
      "-f",
      "lavfi",
      "-i",
      "color=c=0x2060c0:s=64x48:d=0.2:r=10",
      "-c:v",
      "ffv1",
      "-pix_fmt",
      "bgr0",
    );
    const { seen } = await collect(
      await openSource(path, options({ pixelFormat: "rgb24" })),
      (item) => (isFailure(item) ? [] : [...item.data.subarray(0, 3)]),
      1,
    );
    // lavfi's own colour is YUV inside, so it is a little off.
    const off = [0x20, 0x60, 0xc0].map((value, i) => Math.abs((seen[0]?.[i] ?? 0) - value));
    expect(Math.max(...off)).toBeLessThanOrEqual(3);
  });

  it("starts again at the end with loop", async () => {
    const path = testVideo("a.avi", "64x48");
    expect((await collect(await openSource(path, options({ loop: true })), look, 25)).seen.length).toBe(25);
  });

  it("refuses what has no video, with ffmpeg's reason", async () => {
    const sound = make("sound.mp4", "-f", "lavfi", "-i", "sine=d=1");
    await expect(openSource(sound, options())).rejects.toMatchObject({
      code: "SOURCE_UNDECODABLE",
      message: "sound.mp4 cannot be decoded: it has no video stream",
    });
    const whole = readFileSync(testVideo("a.mp4", "64x48"));
    const cut = write("cut.mp4", whole.subarray(0, whole.indexOf("moov") - 4));
    await expect(openSource(cut, options())).rejects.toMatchObject({
      code: "SOURCE_UNDECODABLE",
      message: "cut.mp4 cannot be decoded: moov atom not found",
    });
    const noise = write("noise.mp4", Buffer.alloc(5000, "\x01\xfe\0"));
    await expect(openSource(noise, options())).rejects.toMatchObject({ code: "SOURCE_UNDECODABLE" });
  });

  it("hides the credentials of a camera that does not answer", async () => {
    const error = await openSource("rtsp://admin:secret@127.0.0.1:1/x?key=abc", options()).catch(
      (e: unknown) => e,
    );
    expect(error).toMatchObject({
      code: "SOURCE_LOST",
      message: expect.stringMatching(
        /^rtsp:\/\/\*\*\*@127\.0\.0\.1:1\/x cannot be opened: .*Connection refused/,
      ),
    });
    expect(JSON.stringify(error)).not.toMatch(/secret|abc/);
  });

  it("reads every frame of a recording on a server that asks for credentials", async () => {
    const video = readFileSync(testVideo("a.mp4", "64x48", "-movflags", "+faststart"));
    const wanted = `Basic ${Buffer.from("admin:p'w").toString("base64")}`;
    const server = createServer(({ headers }, response) => {
      if (headers.authorization !== wanted) {
        response.writeHead(401, { "WWW-Authenticate": 'Basic realm="x"' }).end();
      } else response.end(video);
    }).listen(0, "127.0.0.1");
    try {
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const source = await openSource(`http://admin:p'w@127.0.0.1:${port}/a.mp4`, options());
      const whole = await openSource(write("a.mp4", video), options());
      const [seen, all] = [await collect(source, look), await collect(whole, look)];
      expect(seen.error).toBeUndefined();
      expect(seen.seen).toHaveLength(all.seen.length);
      expect(source.name).toBe(`http://***@127.0.0.1:${port}/a.mp4`);
      expect(source.live).toBe(false);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it("reads a whole clip of the test data", async () => {
    const { path, reason } = sharedFile("media/car-detection.mp4");
    if (path === null) return void expect(reason).toContain("no test data");
    const source = await openSource(path, options({ pixelFormat: "i420" }));
    expect(source.rateFps).toBe(12.5);
    const { seen } = await collect(source, look);
    expect([seen.length, new Set(seen)]).toEqual([
      377,
      new Set(["car-detection.mp4 640x360 i420 of 768x432"]),
    ]);
    expect(source.cpuUs?.()).toBeGreaterThan(0);
  });
});
