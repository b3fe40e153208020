import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FFMPEG, V4L2 } from "../testing/v4l2-listings.js";
import { tempDir } from "../worker-process/testing/fakes.js";
import { checkCameras } from "./cameras.js";

const BUSY = [
  "[video4linux2,v4l2 @ 0x5] ioctl(VIDIOC_REQBUFS): Device or resource busy",
  "/dev/video0: busy",
];

describe("cameras", () => {
  /** Devices of a machine, and what the program that is asked says of each. */
  async function look(
    devices: readonly string[],
    lines: readonly string[],
    more: { v4l2Ctl?: string; ffmpeg?: string } = {},
  ) {
    const deviceFolder = tempDir();
    for (const name of devices) writeFileSync(join(deviceFolder, name), "");
    const asked: string[] = [];
    const checks = await checkCameras({
      platform: "linux",
      deviceFolder,
      ffmpeg: more.ffmpeg,
      v4l2Ctl: more.v4l2Ctl,
      run: async (command, args) => {
        asked.push(`${command} ${args.join(" ").replaceAll(deviceFolder, "/dev")}`);
        return { code: 0, stdout: "", lines: [...lines] };
      },
    });
    return { asked, checks, deviceFolder };
  }

  it("none is fine", async () => {
    const { checks } = await look(["videox", "null"], []);
    expect(checks).toMatchObject([
      { id: "cameras", status: "ok", detail: expect.stringMatching(/^no camera/) },
    ]);
  });

  it("are listed by number, through v4l2-ctl where it is, else ffmpeg", async () => {
    const { asked, checks } = await look(["video10", "video2"], V4L2, {
      v4l2Ctl: "v4l2-ctl",
      ffmpeg: "ffmpeg",
    });
    expect(asked).toEqual([
      "v4l2-ctl --list-formats-ext -d /dev/video2",
      "v4l2-ctl --list-formats-ext -d /dev/video10",
    ]);
    expect(checks[0]).toMatchObject({
      status: "ok",
      detail: "MJPG 1280x720 60 fps, MJPG 640x480 7.5 fps, YUYV 16x16",
    });
    const other = await look(["video0"], FFMPEG, { ffmpeg: "ffmpeg" });
    expect(other.asked).toEqual([
      "ffmpeg -hide_banner -nostdin -f v4l2 -list_formats all -i /dev/video0",
      "ffmpeg -hide_banner -nostdin -f v4l2 -i /dev/video0",
    ]);
    expect(other.checks).toMatchObject([
      { status: "ok", detail: "mjpeg 640x480, mjpeg 1280x720, yuyv422 640x480" },
    ]);
  });

  it("say why one cannot be opened, and what to do", async () => {
    expect((await look(["video0"], BUSY, { ffmpeg: "f" })).checks).toMatchObject([
      {
        status: "warning",
        detail: expect.stringContaining("busy"),
        advice: expect.stringContaining("other program"),
      },
    ]);
    expect(
      (await look(["video0"], ["/dev/video0: Permission denied"], { ffmpeg: "f" })).checks,
    ).toMatchObject([{ status: "warning", advice: expect.stringContaining("usermod -aG video") }]);
    expect((await look(["video0"], [])).checks).toMatchObject([
      { status: "warning", detail: expect.stringContaining("ffmpeg") },
    ]);
  });

  it.skipIf(process.getuid?.() === 0)(
    "are told by their permissions (skipped as root, who may all)",
    async () => {
      const deviceFolder = tempDir();
      writeFileSync(join(deviceFolder, "video0"), "");
      chmodSync(join(deviceFolder, "video0"), 0);
      const run = async () => expect.unreachable();
      const checks = await checkCameras({
        platform: "linux",
        deviceFolder,
        ffmpeg: "f",
        v4l2Ctl: undefined,
        run,
      });
      expect(checks).toMatchObject([
        { status: "warning", advice: expect.stringContaining("usermod -aG video") },
      ]);
    },
  );

  it("second devices without pictures are no fault", async () => {
    const { checks } = await look(["video1"], ["ioctl: VIDIOC_ENUM_FMT"], { v4l2Ctl: "v" });
    expect(checks).toMatchObject([{ status: "ok", detail: expect.stringContaining("no picture format") }]);
  });
});
