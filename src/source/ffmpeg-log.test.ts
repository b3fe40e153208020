import { describe, expect, it } from "vitest";
import { FfmpegLog, parseVideoLine } from "./ffmpeg-log.js";
import { urlMasker } from "./stream-name.js";

function logOf(text: string, mask?: (line: string) => string): FfmpegLog {
  const log = new FfmpegLog(mask);
  log.push(text);
  return log;
}

/** Recorded with ffmpeg 4.2.2 and 9.0.2. */
const MP4_V9 = `[info] Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'car-detection.mp4':
[info]   Metadata:
[info]     major_brand     : mp42
[info]   Duration: 00:00:30.16, start: 0.000000, bitrate: 745 kb/s
[info]   Stream #0:0[0x1](eng): Video: h264 (Baseline) (avc1 / 0x31637661), yuv420p(tv, smpte170m, progressive), 768x432, 614 kb/s, 12.50 fps, 12.50 tbr, 25k tbn (default)
[info]     Metadata:
[info]       handler_name    : ?Mainconcept Video Media Handler
[info]   Stream #0:1[0x2](eng): Audio: aac (LC) (mp4a / 0x6134706D), 48000 Hz, stereo, fltp, 125 kb/s (default)
[info] Stream mapping:
[info]   Stream #0:0 -> #0:0 (h264 (native) -> rawvideo (native))
[info] Output #0, rawvideo, to 'pipe:1':
[info]   Metadata:
[info]     encoder         : Lavf63.1.102
[info]   Stream #0:0(eng): Video: rawvideo (RGB[24] / 0x18424752), rgb24(pc, gbr/smpte170m/smpte170m, progressive), 640x360, q=2-31, 99532 kb/s, 12.50 fps, 12.50 tbn (default)
`;

const ROTATED_V4 = `[info] Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'rot.mp4':
[info]   Duration: 00:00:01.00, start: 0.000000, bitrate: 84 kb/s
[info]     Stream #0:0(und): Video: h264 (High) (avc1 / 0x31637661), yuv420p, 640x480 [SAR 1:1 DAR 4:3], 77 kb/s, 10 fps, 10 tbr, 10240 tbn, 20 tbc (default)
[info]     Metadata:
[info]       rotate          : 270
[info]     Side data:
[info]       displaymatrix: rotation of 90.00 degrees
[info] Stream mapping:
[info]   Stream #0:0 -> #0:0 (h264 (native) -> rawvideo (native))
[info] Output #0, rawvideo, to '/dev/null':
[info]     Stream #0:0(und): Video: rawvideo (I420 / 0x30323449), yuv420p, 180x240 [SAR 1:1 DAR 3:4], q=2-31, 5184 kb/s, 10 fps, 10 tbn, 10 tbc (default)
[info]     Side data:
[info]       displaymatrix: rotation of -0.00 degrees
`;

describe("FfmpegLog header", () => {
  it("has the native size and rate of the first video stream and the size that comes out", () => {
    expect(logOf(MP4_V9).header).toEqual({
      demuxer: "mov,mp4,m4a,3gp,3g2,mj2",
      native: { width: 768, height: 432 },
      output: { width: 640, height: 360 },
      fps: 12.5,
      hasDuration: true,
    });
  });

  it.each([
    ["mpjpeg", "http://cam/x"],
    ["concat", "pipe:0"],
  ])("has no rate where ffmpeg makes one up (%s)", (demuxer, url) => {
    const log = logOf(`[info] Input #0, ${demuxer}, from '${url}':
[info]   Duration: N/A, bitrate: N/A
[info]   Stream #0:0: Video: mjpeg (Baseline), yuvj420p(pc), 320x180 [SAR 1:1 DAR 16:9], 25 tbr, 25 tbn
[info] Output #0, rawvideo, to 'pipe:1':
[info]   Stream #0:0: Video: rawvideo (I420 / 0x30323449), yuv420p, 320x180, q=2-31, 25 fps, 25 tbn
`);
    expect(log.header).toMatchObject({ fps: null, hasDuration: false });
  });

  it("is the same when stderr comes byte by byte", () => {
    const log = new FfmpegLog();
    for (const char of MP4_V9) log.push(char);
    expect(log.header).toEqual(logOf(MP4_V9).header);
  });

  it("is complete only with the line of the output stream", () => {
    const lines = MP4_V9.trimEnd().split("\n");
    const log = new FfmpegLog();
    const completedAt = lines.findIndex((line) => {
      log.push(`${line}\n`);
      return log.header !== undefined;
    });
    expect(completedAt).toBe(lines.length - 1);
  });

  it.each([
    ["displaymatrix: rotation of 90.00 degrees", { width: 480, height: 640 }],
    ["displaymatrix: rotation of -90.00 degrees", { width: 480, height: 640 }],
    ["Display Matrix: rotation of 90.00 degrees", { width: 480, height: 640 }],
    ["displaymatrix: rotation of -180.00 degrees", { width: 640, height: 480 }],
  ])("swaps the sides as %s says", (line, native) => {
    const text = ROTATED_V4.replace("displaymatrix: rotation of 90.00 degrees", line);
    expect(logOf(text).header?.native).toEqual(native);
  });

  it("takes no cover picture for the video", () => {
    const cover =
      "[info]     Stream #0:1: Video: mjpeg (Baseline), yuvj444p(pc), 100x100, 90k tbr, 90k tbn (attached pic)\n[info]     Stream #0:0";
    expect(logOf(MP4_V9.replace("[info]   Stream #0:0", cover)).header?.native).toEqual({
      width: 768,
      height: 432,
    });
  });

  it("knows a camera by its missing duration", () => {
    expect(logOf(MP4_V9.replace("00:00:30.16", "N/A")).header?.hasDuration).toBe(false);
  });
});

describe("parseVideoLine", () => {
  const cases: [string, number | null, number | null, number | null][] = [
    [
      "Stream #0:0: Video: mjpeg (Baseline) (MJPG / 0x47504A4D), yuvj444p(pc, bt470bg/unknown/unknown), 320x240 [SAR 1:1 DAR 4:3], 915 kb/s, 10 fps, 10 tbr, 10 tbn",
      320,
      240,
      10,
    ],
    [
      "Stream #0:0[0x100]: Video: mpeg2video (Main) ([2][0][0][0] / 0x0002), yuv420p(tv, progressive), 720x576 [SAR 16:15 DAR 4:3], 25 fps, 25 tbr, 90k tbn, start 1.440000",
      720,
      576,
      25,
    ],
    [
      "Stream #0:0: Video: rawvideo (I420 / 0x30323449), yuv420p(progressive), 320x240, SAR 1:1 DAR 4:3, 10 fps, 10 tbr, 10 tbn",
      320,
      240,
      10,
    ],
    [
      "Stream #0:0: Video: mjpeg (Baseline), yuvj444p(pc, bt470bg/unknown/unknown), 320x240 [SAR 1:1 DAR 4:3], 25 tbr, 25 tbn, 25 tbc",
      320,
      240,
      25,
    ],
    ["Stream #0:0: Video: h264 (High), yuv420p(tv, bt709), 1920x1080, 90k tbr, 90k tbn", 1920, 1080, null],
    [
      "Stream #0:0: Video: h264 (High), yuv420p(tv, bt709), 1920x1080 (1920x1088), 29.97 fps, 1k tbr, 90k tbn",
      1920,
      1080,
      29.97,
    ],
    [
      "Stream #0:0: Video: rawvideo (YUY2 / 0x32595559), yuyv422, 640x480, 147456 kb/s, 30 fps, 30 tbr, 1000k tbn",
      640,
      480,
      30,
    ],
    ["Stream #0:0: Video: mjpeg, none(bt470bg/unknown/unknown), 25 fps, 25 tbr, 25 tbn", null, null, 25],
    ["Stream #0:0: Video: h264, yuv420p, 640x480", 640, 480, null],
  ];
  it.each(cases)("%s", (line, width, height, fps) => {
    expect(parseVideoLine(line)).toEqual({ size: width === null ? null : { width, height }, fps });
  });
});

describe("FfmpegLog reason", () => {
  it.each([
    [
      "moov atom not found",
      `[in#0 @ 0x55] [warning] Format mov detected only with low score of 1, misdetection possible!
[in#0 @ 0x55] [error] moov atom not found
[in#0 @ 0x55] [error] Error opening input: Invalid data found when processing input
[error] Error opening input file zero.mp4.
[fatal] Error opening input files: Invalid data found when processing input
`,
    ],
    [
      "it has no video stream",
      "[fatal] Stream map '' matches no streams.\n[fatal] Error opening output files: Invalid argument\n",
    ],
    [
      "Error opening input: Invalid data found when processing input",
      "[in#0 @ 0x55] [error] Error opening input: Invalid data found when processing input\n[error] Error opening input file t.txt.\n",
    ],
    [
      "Connection to tcp://127.0.0.1:5999?timeout=0 failed: Connection refused",
      "[tcp @ 0x9640b40] [error] Connection to tcp://127.0.0.1:5999?timeout=0 failed: Connection refused\n[error] x: Connection refused\n",
    ],
  ])("%s", (reason, text) => {
    expect(logOf(text).reason(false)).toBe(reason);
  });

  it("is the last error when frames came before it", () => {
    const log = logOf("[h264 @ 0x1] [error] first\n[h264 @ 0x1] [error] last\n[info] Conversion failed!\n");
    expect([log.reason(false), log.reason(true)]).toEqual(["first", "last"]);
  });

  it("knows a file that is cut short, an unknown option, and the CPU time", () => {
    const log = logOf(`[mov @ 0x5] [error] stream 0, offset 0x19264: partial file
[error] Unrecognized option 'fps_mode'.
[info] bench: utime=0.396s stime=0.064s rtime=0.402s
`);
    expect(log.cutShort).toBe("stream 0, offset 0x19264: partial file");
    expect(log.unknownOption).toBe("fps_mode");
    expect(log.cpuUs).toBe(460_000);
  });

  it("shows no credentials, in the reason or in the last words", () => {
    const url = "rtsp://admin:secret@127.0.0.1:5999/x?token=abc";
    const log = logOf(`[error] ${url}: Connection refused\n`, urlMasker(url));
    expect(log.reason(false)).toBe("rtsp://***@127.0.0.1:5999/x: Connection refused");
    expect(log.lastWords()).not.toMatch(/secret|admin|abc/);
  });
});

describe("FfmpegLog of a stream that goes on", () => {
  it.each([
    "[vf#0:0 @ 0x1] [info] Reconfiguring filter graph because video parameters changed to yuvj444p(pc, bt470bg), 640x240, unspecified alpha",
    "[graph @ 0x1] [info] frame changed from size:768x432 fmt:yuv420p to size:640x240 fmt:yuv420p",
    "[graph 0 input from stream 0:0 @ 0x1] [verbose] w:640 h:240 pixfmt:yuv420p tb:1/25 fr:25/1 sar:0/1",
  ])("follows a change of size, and stays with what comes out: %s", (line) => {
    const log = logOf(MP4_V9);
    log.push(`${line}\n`);
    expect(log.header).toMatchObject({
      native: { width: 640, height: 240 },
      output: { width: 640, height: 360 },
    });
  });

  it("turns the new size as it turned the old one", () => {
    const log = logOf(ROTATED_V4);
    log.push(
      "[vf#0:0 @ 0x1] [info] Reconfiguring filter graph because video parameters changed to yuv420p(tv), 800x600, x\n",
    );
    expect(log.header?.native).toEqual({ width: 600, height: 800 });
  });

  // The first four are recorded with ffmpeg 9.0.2, the last two are as ffmpeg 4 writes them.
  it.each([
    ["[in#0/rtsp @ 0x1] [warning] Failed reading RTSP data: End of file", true],
    ["[in#0/mpjpeg @ 0x1] [error] Error during demuxing: Invalid data found when processing input", true],
    ["[in#0/mpjpeg @ 0x1] [error] Error during demuxing: Connection timed out", true],
    ["[in#0/mpjpeg @ 0x1] [error] Error during demuxing: Input/output error", false],
    ["[h264 @ 0x1] [error] error while decoding MB 3 4, bytestream -7", false],
    ["[error] rtsp://cam/x: Operation timed out", true],
    ["[error] http://cam/x: Input/output error", false],
  ])("knows whether it broke off: %s", (line, hasBroken) => {
    expect(logOf(`${line}\n`).brokenBy !== undefined).toBe(hasBroken);
  });
});
