import { AiwError } from "../core/errors.js";
import { v4l2Devices } from "./camera-devices.js";
import type { FfmpegInput, FfmpegPlan } from "./ffmpeg-args.js";
import type { LibavformatMajor } from "./ffmpeg-version.js";
import { streamName, urlMasker } from "./stream-name.js";

/**
 * Nothing is held back for later: no input buffer, no frames in flight in the decoder's threads, none that
 * are kept at the start to find out their rate (which takes ffmpeg two seconds more).
 */
const LOW_LATENCY = ["-fflags", "nobuffer", "-flags", "low_delay", "-fpsprobesize", "0"];
/** ffmpeg gives up what sends nothing for so long, microseconds: before we do, for it can say why. */
const IO_TIMEOUT_US = "8000000";
/** Of ffmpeg 5, whose `-timeout` is what `-stimeout` was. */
const LIBAVFORMAT_OF_FFMPEG_5 = 59;

/** An rtsp://, rtsps://, http:// or https:// stream. */
export function streamInput(url: string): FfmpegInput {
  const isRtsp = /^rtsps?:/i.test(url);
  const open = { args: [...LOW_LATENCY, "-rw_timeout", IO_TIMEOUT_US, "-i", url] };
  return {
    name: streamName(url),
    kind: "camera",
    plan: isRtsp ? (version) => rtspPlan(url, version) : open,
    mask: urlMasker(url),
  };
}

const RTSP = {
  // TCP first, for over UDP a lost packet is a broken picture; UDP where the camera refuses that.
  rtsp_transport: "tcp+udp",
  rtsp_flags: "prefer_tcp",
  // A track of sound would only be waited for.
  allowed_media_types: "video",
};

function rtspPlan(url: string, version: LibavformatMajor): FfmpegPlan {
  const isOld = version < LIBAVFORMAT_OF_FFMPEG_5;
  // Before ffmpeg 5 `-timeout` made it a server that waits for the camera to call, in seconds.
  const options = Object.entries({ ...RTSP, [isOld ? "stimeout" : "timeout"]: IO_TIMEOUT_US });
  if (isOld || streamName(url) === url) {
    return { args: [...LOW_LATENCY, ...options.flatMap(([name, value]) => [`-${name}`, value]), "-i", url] };
  }
  return { args: [...LOW_LATENCY, ...LISTED], stdin: listOf(url, options) };
}

/**
 * A URL with credentials is read from a list on stdin: command lines can be read by every user of a machine.
 * ffmpeg before 5 takes no options from a list. The list hides whether a stream is a recording of known
 * length, which of http is common, so those stay on the command line.
 */
const LISTED = [
  ...["-safe", "0", "-f", "concat"],
  ...["-protocol_whitelist", "pipe,fd,rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https,httpproxy,crypto,data"],
  ...["-i", "pipe:0"],
];

/** In ffmpeg's format "ffconcat", whose quotes are those of a shell. */
function listOf(url: string, options: readonly (readonly [name: string, value: string])[]): string {
  const lines = [...options, ["fflags", "nobuffer"], ["fpsprobesize", "0"]];
  const quoted = url.replaceAll("'", "'\\''").replaceAll(/[\r\n]/g, "");
  return [
    "ffconcat version 1.0",
    `file '${quoted}'`,
    ...lines.map(([name, value]) => `option ${name} ${value}`),
    "",
  ].join("\n");
}

/** A camera of this machine: /dev/videoN, or what avfoundation (macOS) or dshow (Windows) calls it. */
export function deviceInput(device: string, platform: NodeJS.Platform = process.platform): FfmpegInput {
  const [format, url] =
    platform === "darwin"
      ? ["avfoundation", `${device}:none`]
      : platform === "win32"
        ? ["dshow", `video=${device}`]
        : ["v4l2", device];
  return {
    name: device,
    kind: "camera",
    plan: { args: [...LOW_LATENCY, "-f", format, "-i", url] },
    mask: (text) => text,
  };
}

/**
 * The first camera of this machine, as `deviceInput` wants it. On Linux the lowest /dev/videoN; on
 * macOS "default"; on Windows there is no such name, so it has to be given.
 * @throws SOURCE_NOT_FOUND
 */
export async function firstCamera(
  platform: NodeJS.Platform = process.platform,
  deviceFolder = "/dev",
): Promise<string> {
  if (platform === "darwin") return "default";
  if (platform === "win32") {
    throw new AiwError(
      "SOURCE_NOT_FOUND",
      "name the camera as Windows does, as in --camera 'Integrated Camera'",
    );
  }
  const [first] = await v4l2Devices(deviceFolder);
  if (first === undefined) {
    throw new AiwError(
      "SOURCE_NOT_FOUND",
      `no camera on this machine: there is no ${deviceFolder}/video0 or the like`,
    );
  }
  return first;
}
