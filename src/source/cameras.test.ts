import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { deviceInput, firstCamera, streamInput } from "./cameras.js";
import type { FfmpegInput, FfmpegPlan } from "./ffmpeg-args.js";
import { temporaryFolder } from "./testing.js";

describe("firstCamera", () => {
  it("is the lowest number on Linux", async () => {
    const folder = temporaryFolder();
    for (const name of ["video10", "video2", "videox", "null"]) writeFileSync(join(folder, name), "");
    expect(await firstCamera("linux", folder)).toBe(`${folder}/video2`);
  });

  it("says so where there is none", async () => {
    await expect(firstCamera("linux", temporaryFolder())).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND" });
    await expect(firstCamera("linux", "/nowhere")).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND" });
    await expect(firstCamera("win32")).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND" });
  });
});

/** What an ffmpeg of that libavformat is told; the newest by default. */
function planOf({ plan }: FfmpegInput, version = Number.POSITIVE_INFINITY): FfmpegPlan {
  return typeof plan === "object" ? plan : plan(version);
}

describe("camera inputs", () => {
  it("hold nothing back", () => {
    for (const input of [
      deviceInput("/dev/video0"),
      streamInput("http://cam/x"),
      streamInput("rtsp://cam/x"),
    ]) {
      expect(planOf(input).args.join(" ")).toContain("-fflags nobuffer -flags low_delay -fpsprobesize 0");
    }
  });

  it("are what the platform calls a camera", () => {
    const last = (device: string, platform: NodeJS.Platform) =>
      planOf(deviceInput(device, platform)).args.slice(-4);
    expect(last("/dev/video1", "linux")).toEqual(["-f", "v4l2", "-i", "/dev/video1"]);
    expect(last("default", "darwin")).toEqual(["-f", "avfoundation", "-i", "default:none"]);
    expect(last("USB Cam", "win32")).toEqual(["-f", "dshow", "-i", "video=USB Cam"]);
  });

  it("read rtsp over TCP, or else UDP", () => {
    const { args, stdin } = planOf(streamInput("rtsp://cam/x"));
    expect(args.join(" ")).toContain("-rtsp_transport tcp+udp -rtsp_flags prefer_tcp");
    expect(args.slice(-2)).toEqual(["-i", "rtsp://cam/x"]);
    expect(stdin).toBeUndefined();
    expect(planOf(streamInput("http://cam/x")).args).not.toContain("-rtsp_transport");
  });

  it("keep the credentials of rtsp out of the name and the command line", () => {
    const input = streamInput("rtsp://u:p'w@cam/x");
    expect(input.name).toBe("rtsp://***@cam/x");
    const { args, stdin } = planOf(input);
    expect(args.join(" ")).not.toContain("cam");
    expect(args.slice(-2)).toEqual(["-i", "pipe:0"]);
    expect(stdin).toBe(`ffconcat version 1.0
file 'rtsp://u:p'\\''w@cam/x'
option rtsp_transport tcp+udp
option rtsp_flags prefer_tcp
option allowed_media_types video
option timeout 8000000
option fflags nobuffer
option fpsprobesize 0
`);
    expect(planOf(input, 58).args.slice(-2)).toEqual(["-i", "rtsp://u:p'w@cam/x"]);
  });

  it("keep those of http out of the command line, of ffmpeg before 5 as well", () => {
    const input = streamInput("http://u:p'w@cam/x?key=XYZZY");
    expect(input.name).toBe("http://***@cam/x");
    for (const [version, options] of [
      [59, "option rw_timeout 8000000\noption fflags nobuffer\noption fpsprobesize 0\n"],
      [58, ""],
    ] as const) {
      const { args, stdin } = planOf(input, version);
      expect(args.join(" ")).not.toMatch(/cam|XYZZY/);
      expect(args.slice(-2)).toEqual(["-i", "pipe:0"]);
      expect(stdin).toBe(`ffconcat version 1.0\nfile 'http://u:p'\\''w@cam/x?key=XYZZY'\n${options}`);
    }
    expect(planOf(streamInput("http://cam/x")).args.slice(-2)).toEqual(["-i", "http://cam/x"]);
  });

  it("tell a recording behind credentials by its name, for ffmpeg can't say", () => {
    const isRecording = (url: string) => streamInput(url).isRecording;
    expect(isRecording("https://u:pw@cam/a.MP4?key=XYZZY")).toBe(true);
    expect(isRecording("https://u:pw@cam/video?file=a.mp4")).toBe(false);
    expect(isRecording("https://cam/a.mp4")).toBe(false);
    expect(isRecording("rtsp://u:pw@cam/a.mp4")).toBe(false);
  });

  it.each([
    [58, "rtsp://cam/x", "-stimeout 8000000"],
    [59, "rtsp://cam/x", "-timeout 8000000"],
    [63, "rtsps://cam/x", "-timeout 8000000"],
    [58, "http://cam/x", "-rw_timeout 8000000"],
  ])("bound the silence of a camera in the words of libavformat %s: %s", (version, url, option) => {
    expect(planOf(streamInput(url), version).args.join(" ")).toContain(` ${option} `);
  });
});
