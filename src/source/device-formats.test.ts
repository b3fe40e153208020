import { describe, expect, it } from "vitest";
import { FFMPEG, V4L2 } from "../testing/v4l2-listings.js";
import {
  avfoundationModes,
  avfoundationNames,
  defaultMode,
  dshowModes,
  dshowNames,
  ffmpegFormats,
  v4l2Formats,
} from "./device-formats.js";

describe("lists of formats", () => {
  it("of v4l2-ctl: the highest rate of each size", () => {
    expect(v4l2Formats(V4L2)).toEqual(["MJPG 1280x720 60 fps", "MJPG 640x480 7.5 fps", "YUYV 16x16"]);
    expect(v4l2Formats(["ioctl: VIDIOC_ENUM_FMT", "	Type: Video Capture"])).toEqual([]);
  });

  it("of ffmpeg", () => {
    expect(ffmpegFormats(FFMPEG)).toEqual(["mjpeg 640x480", "mjpeg 1280x720", "yuyv422 640x480"]);
    const scales =
      "[video4linux2,v4l2 @ 0x5] Raw       :     yuv420p :     Planar YUV 4:2:0 : {32-2592, 2}x{32-1944, 2}";
    expect(ffmpegFormats([scales])).toEqual(["yuv420p 32x32 to 2592x1944"]);
  });

  it("of devices on macOS and Windows", () => {
    const mac = [
      "[AVFoundation indev @ 0x7f] AVFoundation video devices:",
      "[AVFoundation indev @ 0x7f] [0] FaceTime HD Camera",
      "[AVFoundation indev @ 0x7f] [1] Capture screen 0",
      "[AVFoundation indev @ 0x7f] AVFoundation audio devices:",
      "[AVFoundation indev @ 0x7f] [0] Microphone",
    ];
    expect(avfoundationNames(mac)).toEqual(["FaceTime HD Camera"]);
    const windows = [
      '[dshow @ 0x1] "USB Camera" (video)',
      '[dshow @ 0x1]   Alternative name "@device_pnp_x"',
      '[dshow @ 0x1] "Mic" (audio)',
    ];
    expect(dshowNames(windows)).toEqual(["USB Camera"]);
    const older = [
      "[dshow @ 0x1] DirectShow video devices",
      '[dshow @ 0x1]  "USB Camera"',
      "[dshow @ 0x1] DirectShow audio devices",
      '[dshow @ 0x1]  "Mic"',
    ];
    expect(dshowNames(older)).toEqual(["USB Camera"]);
  });

  it("of what a device gives by default", () => {
    const lines = [
      "Input #0, video4linux2,v4l2, from '/dev/video0':",
      "  Duration: N/A, start: 1234.567890, bitrate: 147456 kb/s",
      "  Stream #0:0: Video: rawvideo (YUY2 / 0x32595559), yuyv422, 640x480, 147456 kb/s, 30 fps, 30 tbr, 1000k tbn",
      "At least one output file must be specified",
    ];
    expect(defaultMode(lines)).toBe("640x480 30 fps");
    expect(defaultMode(["/dev/video0: Device or resource busy"])).toBeUndefined();
  });

  it("of modes on macOS and Windows", () => {
    const mac = [
      "[avfoundation @ 0x7f] Selected framerate (1000.000000) is not supported by the device.",
      "[avfoundation @ 0x7f] Supported modes:",
      "[avfoundation @ 0x7f]   640x480@[1.000000 30.000000]fps",
      "[avfoundation @ 0x7f]   1280x720@[15.000000 15.000000]fps",
      "[avfoundation @ 0x7f]   1280x720@[1.000000 30.000030]fps",
    ];
    expect(avfoundationModes(mac)).toEqual(["640x480 30 fps", "1280x720 30 fps"]);
    const windows = [
      "[dshow @ 0x1] DirectShow video device options (from video devices)",
      '[dshow @ 0x1]  Pin "Capture" (alternative pin name "0")',
      "[dshow @ 0x1]   pixel_format=yuyv422  min s=640x480 fps=5 max s=640x480 fps=30",
      "[dshow @ 0x1]   pixel_format=yuyv422  min s=640x480 fps=5 max s=640x480 fps=30 (tv, bt470bg/bt709/unknown, topleft)",
      "[dshow @ 0x1]   vcodec=mjpeg  min s=1280x720 fps=5 max s=1280x720 fps=60.0002",
    ];
    expect(dshowModes(windows)).toEqual(["yuyv422 640x480 30 fps", "mjpeg 1280x720 60 fps"]);
  });
});
