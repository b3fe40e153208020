import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  avfoundationModes,
  avfoundationNames,
  defaultMode,
  dshowModes,
  dshowNames,
  ffmpegFormats,
  v4l2Formats,
} from "./device-formats.js";

type Run = (command: string, args: readonly string[]) => Promise<{ readonly lines: readonly string[] }>;

/** What can be asked about devices. */
export interface DeviceTools {
  readonly ffmpeg: string | undefined;
  /** v4l2-ctl, where it is on PATH: other than ffmpeg it tells rates. */
  readonly v4l2Ctl: string | undefined;
  readonly run: Run;
}

/** A local camera. */
export interface CameraDevice {
  /** As --camera takes it. */
  readonly device: string;
  /** "mjpeg 1280x720 30 fps", as far as they are known. */
  readonly formats: readonly string[];
  /** Why there are none. */
  readonly problem: string | undefined;
}

/** The local cameras, with the formats and rates that they have. */
export async function cameraDevices(
  platform: NodeJS.Platform,
  tools: DeviceTools,
  deviceFolder = "/dev",
): Promise<CameraDevice[]> {
  const devices: CameraDevice[] = [];
  const { ffmpeg, run } = tools;
  if (platform !== "darwin" && platform !== "win32") {
    for (const device of await v4l2Devices(deviceFolder)) {
      const { formats = [], lines = [] } = (await v4l2Answer(device, tools)) ?? {};
      devices.push({ device, formats, problem: problemOf(lines) });
    }
  } else if (ffmpeg !== undefined) {
    for (const device of await deviceNames(platform, ffmpeg, run)) {
      const formats = await modesOf(device, platform, ffmpeg, run);
      devices.push({ device, formats, problem: undefined });
    }
  }
  return devices;
}

/** Paths of Linux' video devices, the lowest number first. */
export async function v4l2Devices(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => []))
    .filter((name) => /^video\d+$/.test(name))
    .sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)))
    .map((name) => join(folder, name));
}

/** What a device of Linux has, and all that was said of it; undefined where nobody can be asked. */
export async function v4l2Answer(device: string, { ffmpeg, v4l2Ctl, run }: DeviceTools) {
  if (v4l2Ctl !== undefined) {
    const { lines } = await run(v4l2Ctl, ["--list-formats-ext", "-d", device]);
    return { formats: v4l2Formats(lines), lines };
  }
  if (ffmpeg === undefined) return undefined;
  const open = ["-hide_banner", "-nostdin", "-f", "v4l2"];
  const { lines } = await run(ffmpeg, [...open, "-list_formats", "all", "-i", device]);
  const formats = ffmpegFormats(lines);
  if (formats.length === 0) return { formats, lines };
  const mode = defaultMode((await run(ffmpeg, [...open, "-i", device])).lines);
  return { formats: mode === undefined ? formats : [...formats, `by default ${mode}`], lines };
}

/** Why a device can't be opened, if that is so. */
export function problemOf(lines: readonly string[]): string | undefined {
  const line = lines.find((one) => /permission denied|resource busy|no such device|cannot open/i.test(one));
  return line?.replace(/^\[[^\]]*\] /, "").trim();
}

/** Names of the cameras of macOS and Windows. */
export async function deviceNames(platform: NodeJS.Platform, ffmpeg: string, run: Run): Promise<string[]> {
  const args =
    platform === "darwin"
      ? ["-f", "avfoundation", "-list_devices", "true", "-i", ""]
      : ["-f", "dshow", "-list_devices", "true", "-i", "dummy"];
  const { lines } = await run(ffmpeg, ["-hide_banner", "-nostdin", ...args]);
  return platform === "darwin" ? avfoundationNames(lines) : dshowNames(lines);
}

async function modesOf(
  device: string,
  platform: NodeJS.Platform,
  ffmpeg: string,
  run: Run,
): Promise<string[]> {
  const args =
    platform === "darwin"
      ? // A rate that no camera has makes it say which there are.
        ["-f", "avfoundation", "-framerate", "1000", "-i", `${device}:none`]
      : ["-f", "dshow", "-list_options", "true", "-i", `video=${device}`];
  const { lines } = await run(ffmpeg, ["-hide_banner", "-nostdin", ...args]);
  return platform === "darwin" ? avfoundationModes(lines) : dshowModes(lines);
}
