import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cameraDevices } from "./camera-devices.js";
import { temporaryFolder } from "./testing.js";

/** A machine whose programs answer by what is asked. */
const tools = (answers: Readonly<Record<string, readonly string[]>>, v4l2Ctl?: string) => ({
  ffmpeg: "ffmpeg",
  v4l2Ctl,
  run: async (_: string, args: readonly string[]) => {
    const asked = args.join(" ");
    const found = Object.entries(answers).find(([pattern]) => asked.includes(pattern));
    return { lines: found?.[1] ?? [] };
  },
});

it("lists Linux' devices with what they have, or why they can't be asked", async () => {
  const folder = temporaryFolder();
  for (const name of ["video10", "video2", "null"]) writeFileSync(join(folder, name), "");
  const answers = {
    "-list_formats all -i": [
      "[video4linux2,v4l2 @ 0x5] Compressed:       mjpeg :          Motion-JPEG : 640x480",
    ],
    "v4l2 -i": ["  Stream #0:0: Video: mjpeg (Baseline), yuvj422p(pc), 640x480, 30 fps, 30 tbr, 1000k tbn"],
  };
  expect(await cameraDevices("linux", tools(answers), folder)).toEqual([
    {
      device: `${folder}/video2`,
      formats: ["mjpeg 640x480", "by default 640x480 30 fps"],
      problem: undefined,
    },
    {
      device: `${folder}/video10`,
      formats: ["mjpeg 640x480", "by default 640x480 30 fps"],
      problem: undefined,
    },
  ]);
  const busy = {
    "-list_formats": ["[video4linux2,v4l2 @ 0x5] ioctl(VIDIOC_REQBUFS): Device or resource busy"],
  };
  expect((await cameraDevices("linux", tools(busy), folder))[0]).toMatchObject({
    formats: [],
    problem: "ioctl(VIDIOC_REQBUFS): Device or resource busy",
  });
});

it("lists those of macOS and Windows by their names", async () => {
  const mac = {
    "-list_devices": [
      "[AVFoundation indev @ 0x7f] AVFoundation video devices:",
      "[AVFoundation indev @ 0x7f] [0] FaceTime HD Camera",
    ],
    "-i FaceTime HD Camera:none": ["[avfoundation @ 0x7f]   640x480@[1.000000 30.000000]fps"],
  };
  expect(await cameraDevices("darwin", tools(mac))).toEqual([
    { device: "FaceTime HD Camera", formats: ["640x480 30 fps"], problem: undefined },
  ]);
  const windows = {
    "-list_devices": ['[dshow @ 0x1] "USB Camera" (video)'],
    "-i video=USB Camera": ["[dshow @ 0x1]   vcodec=mjpeg  min s=640x480 fps=5 max s=640x480 fps=30"],
  };
  expect(await cameraDevices("win32", tools(windows))).toEqual([
    { device: "USB Camera", formats: ["mjpeg 640x480 30 fps"], problem: undefined },
  ]);
});
