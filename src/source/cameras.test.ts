import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { deviceInput, firstCamera, streamInput } from "./cameras.js";
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

describe("camera inputs", () => {
  it("hold nothing back", () => {
    for (const { args } of [deviceInput("/dev/video0"), streamInput("http://cam/x")]) {
      expect(args.join(" ")).toContain("-fflags nobuffer -flags low_delay");
    }
  });

  it("are what the platform calls a camera", () => {
    expect(deviceInput("/dev/video1", "linux").args.slice(-4)).toEqual(["-f", "v4l2", "-i", "/dev/video1"]);
    expect(deviceInput("default", "darwin").args.slice(-4)).toEqual([
      "-f",
      "avfoundation",
      "-i",
      "default:none",
    ]);
    expect(deviceInput("USB Cam", "win32").args.slice(-4)).toEqual(["-f", "dshow", "-i", "video=USB Cam"]);
  });

  it("read rtsp over TCP, or else UDP, under a name without credentials", () => {
    const input = streamInput("rtsp://u:p@cam/x");
    expect(input.args.join(" ")).toContain("-rtsp_transport tcp+udp -rtsp_flags prefer_tcp");
    expect(input.args.slice(-2)).toEqual(["-i", "rtsp://u:p@cam/x"]);
    expect(input.name).toBe("rtsp://***@cam/x");
    expect(streamInput("http://cam/x").args).not.toContain("-rtsp_transport");
  });

  it.each([
    [58, "rtsp://cam/x", ["-stimeout", "8000000"]],
    [59, "rtsp://cam/x", ["-timeout", "8000000"]],
    [Number.POSITIVE_INFINITY, "rtsps://cam/x", ["-timeout", "8000000"]],
    [58, "http://cam/x", []],
  ])("bound the silence of a camera in the words of libavformat %s: %s", (version, url, options) => {
    expect(streamInput(url).optionsOf?.(version)).toEqual(options);
  });
});
