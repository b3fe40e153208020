import { readdir } from "node:fs/promises";
import { AiwError } from "../core/errors.js";
import type { FfmpegInput } from "./ffmpeg-args.js";
import { streamName, urlMasker } from "./stream-name.js";

/** Nothing is held back for later: no input buffer, no frames in flight in the decoder's threads. */
const LOW_LATENCY = ["-fflags", "nobuffer", "-flags", "low_delay"];

/** An rtsp://, rtsps://, http:// or https:// stream. */
export function streamInput(url: string): FfmpegInput {
  // Over UDP a lost packet is a broken picture.
  const transport = /^rtsps?:/i.test(url) ? ["-rtsp_transport", "tcp"] : [];
  return {
    name: streamName(url),
    kind: "camera",
    args: [...LOW_LATENCY, ...transport, "-i", url],
    mask: urlMasker(url),
  };
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
    args: [...LOW_LATENCY, "-f", format, "-i", url],
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
  const numbers = (await readdir(deviceFolder).catch(() => []))
    .map((name) => /^video(\d+)$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
  const [first] = numbers;
  if (first === undefined) {
    throw new AiwError(
      "SOURCE_NOT_FOUND",
      `no camera on this machine: there is no ${deviceFolder}/video0 or the like`,
    );
  }
  return `${deviceFolder}/video${first}`;
}
