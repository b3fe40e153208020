import { AiwError } from "../core/errors.js";
import { v4l2Devices } from "./camera-devices.js";
import type { FfmpegInput, FfmpegPlan } from "./ffmpeg-args.js";
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
/** Of ffmpeg 6, which says without being asked that frames have another size now. */
const LIBAVFORMAT_OF_FFMPEG_6 = 60;
const TELLS_SIZES = ["-loglevel", "level+verbose"];

/** An rtsp://, rtsps://, http:// or https:// stream. */
export function streamInput(url: string): FfmpegInput {
  const isHttp = /^https?:/i.test(url);
  const planOf = isHttp ? httpPlan : rtspPlan;
  return {
    name: streamName(url),
    kind: "camera",
    isRecording: isHttp && hasSecrets(url) && RECORDING.test(url),
    plan(version) {
      const plan = planOf(url, version < LIBAVFORMAT_OF_FFMPEG_5);
      return version < LIBAVFORMAT_OF_FFMPEG_6 ? { ...plan, args: [...TELLS_SIZES, ...plan.args] } : plan;
    },
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

function rtspPlan(url: string, isOld: boolean): FfmpegPlan {
  // Before ffmpeg 5 `-timeout` made it a server that waits for the camera to call, in seconds.
  const options = Object.entries({ ...RTSP, [isOld ? "stimeout" : "timeout"]: IO_TIMEOUT_US });
  if (isOld || !hasSecrets(url)) {
    return { args: [...LOW_LATENCY, ...options.flatMap(([name, value]) => [`-${name}`, value]), "-i", url] };
  }
  return { args: [...LOW_LATENCY, ...LISTED], stdin: listOf(url, [...options, ...LISTED_LATENCY]) };
}

function httpPlan(url: string, isOld: boolean): FfmpegPlan {
  // Without a buffer the frames that ffmpeg looks at before it begins are lost: a recording's would be missed.
  const isRecording = RECORDING.test(url);
  const latency = isRecording ? [] : LOW_LATENCY;
  if (!hasSecrets(url)) return { args: [...latency, "-rw_timeout", IO_TIMEOUT_US, "-i", url] };
  const options = [["rw_timeout", IO_TIMEOUT_US] as const, ...(isRecording ? [] : LISTED_LATENCY)];
  return { args: [...latency, ...LISTED], stdin: listOf(url, isOld ? [] : options) };
}

/** Whether a URL has what must not be seen: credentials, or a query, which may hold some. */
function hasSecrets(url: string): boolean {
  return streamName(url) !== url;
}

/**
 * A URL with secrets is read from a list on stdin: command lines can be read by every user of a machine. ffmpeg
 * before 5 takes no options from a list. The list hides whether a stream is a recording of known length, of which
 * then only its name can tell.
 */
const LISTED = [
  ...["-safe", "0", "-f", "concat"],
  ...["-protocol_whitelist", "pipe,fd,rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https,httpproxy,crypto,data"],
  ...["-i", "pipe:0"],
];
const LISTED_LATENCY = [["fflags", "nobuffer"] as const, ["fpsprobesize", "0"] as const];
const RECORDING = /^[^?#]*\.(?:mp4|m4v|mov|mkv|webm|avi)(?:[?#]|$)/i;

/** In ffmpeg's format "ffconcat". */
function listOf(url: string, options: readonly (readonly [name: string, value: string])[]): string {
  return [
    "ffconcat version 1.0",
    `file ${quoted(url)}`,
    ...options.map(([name, value]) => `option ${name} ${value}`),
    "",
  ].join("\n");
}

/** The quotes of ffmpeg's lists are those of a shell. */
function quoted(url: string): string {
  return `'${url.replaceAll("'", "'\\''").replaceAll(/[\r\n]/g, "")}'`;
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
