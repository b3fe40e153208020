import { access, constants, readdir } from "node:fs/promises";
import { join } from "node:path";
import { systemCode } from "../core/errors.js";
import type { CommandResult } from "../worker-process/run-command.js";
import { plural } from "../core/plural.js";
import { type Check, verdicts } from "./check.js";

export interface CamerasOptions {
  readonly platform: NodeJS.Platform;
  /** Where /dev/videoN are. */
  readonly deviceFolder?: string;
  readonly ffmpeg: string | undefined;
  /** v4l2-ctl, where it is on PATH. */
  readonly v4l2Ctl: string | undefined;
  readonly run: (command: string, args: readonly string[]) => Promise<CommandResult>;
}

/** Formats that the line of a camera names. */
const NAMED = 8;
/** Where a device may not be opened. */
export const JOIN_VIDEO_GROUP =
  'Join the group of cameras: sudo usermod -aG video "$USER"; then log in again.';

const all = verdicts("cameras", "cameras");

/** The local cameras, with the formats and rates that they have. */
export async function checkCameras(options: CamerasOptions): Promise<Check[]> {
  if (options.platform === "linux") return checkV4l2(options);
  const { ffmpeg, platform, run } = options;
  if (ffmpeg === undefined) return [all.warning("not looked for: it takes ffmpeg", "Mend ffmpeg first.")];
  const args =
    platform === "darwin"
      ? ["-f", "avfoundation", "-list_devices", "true", "-i", ""]
      : ["-f", "dshow", "-list_devices", "true", "-i", "dummy"];
  const { lines } = await run(ffmpeg, ["-hide_banner", "-nostdin", ...args]);
  const names = platform === "darwin" ? avfoundationNames(lines) : dshowNames(lines);
  if (names.length === 0) return [all.ok("no camera")];
  return [all.ok(`${plural(names.length, "camera")}: ${names.join(", ")}`)];
}

async function checkV4l2(options: CamerasOptions): Promise<Check[]> {
  const folder = options.deviceFolder ?? "/dev";
  const devices = (await readdir(folder).catch(() => []))
    .filter((name) => /^video\d+$/.test(name))
    .sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)));
  if (devices.length === 0) return [all.ok(`no camera: there is no ${folder}/videoN`)];
  const checks: Check[] = [];
  for (const name of devices) checks.push(await checkDevice(join(folder, name), options));
  return checks;
}

async function checkDevice(device: string, { ffmpeg, v4l2Ctl, run }: CamerasOptions): Promise<Check> {
  const { ok, warning } = verdicts(`camera:${device}`, `camera ${device}`);
  try {
    await access(device, constants.R_OK | constants.W_OK);
  } catch (error) {
    const denied = systemCode(error) === "EACCES";
    const advice = denied ? JOIN_VIDEO_GROUP : "Check that the camera is still plugged in.";
    return warning(`cannot be opened (${denied ? "permission denied" : systemCode(error)})`, advice);
  }
  if (v4l2Ctl === undefined && ffmpeg === undefined) {
    return warning("its formats are not known: it takes ffmpeg or v4l2-ctl", "Mend ffmpeg first.");
  }
  const { lines } =
    v4l2Ctl === undefined
      ? await run(ffmpeg ?? "ffmpeg", [
          ...["-hide_banner", "-nostdin", "-f", "v4l2", "-list_formats", "all", "-i", device],
        ])
      : await run(v4l2Ctl, ["--list-formats-ext", "-d", device]);
  const formats = v4l2Ctl === undefined ? ffmpegFormats(lines) : v4l2Formats(lines);
  if (formats.length > 0) return ok(listed(formats));
  const problem = lines.find((line) =>
    /permission denied|resource busy|no such device|cannot open/i.test(line),
  );
  if (problem === undefined)
    return ok("has no picture format: it is a camera's second device, or an encoder");
  const advice = /permission denied/i.test(problem)
    ? JOIN_VIDEO_GROUP
    : /busy/i.test(problem)
      ? "End the other program that uses it."
      : "Check that the camera is still plugged in.";
  return warning(`cannot be opened: ${problem.replace(/^\[[^\]]*\] /, "").trim()}`, advice);
}

function listed(formats: readonly string[]): string {
  const more = formats.length > NAMED ? `, and ${formats.length - NAMED} more` : "";
  return `${formats.slice(0, NAMED).join(", ")}${more}`;
}

/** "MJPG 1280x720 30 fps" of what `v4l2-ctl --list-formats-ext` prints; of each size the highest rate. */
export function v4l2Formats(lines: readonly string[]): string[] {
  const best = new Map<string, number>();
  let [format, size] = ["", ""];
  for (const line of lines) {
    format = /^\s*\[\d+\]: '([^']+)'/.exec(line)?.[1]?.trim() ?? format;
    size = /^\s*Size: \w+ (\d+x\d+)/.exec(line)?.[1] ?? size;
    if (/^\s*Size: /.test(line)) best.set(`${format} ${size}`, best.get(`${format} ${size}`) ?? 0);
    const fps = Number(/^\s*Interval: .*\(([\d.]+) fps\)/.exec(line)?.[1] ?? 0);
    const key = `${format} ${size}`;
    if (fps > (best.get(key) ?? 0)) best.set(key, fps);
  }
  return [...best].map(([key, fps]) => (fps > 0 ? `${key} ${Math.round(fps * 10) / 10} fps` : key));
}

/** "mjpeg 1280x720" of what `ffmpeg -f v4l2 -list_formats all` prints; it tells no rates. */
export function ffmpegFormats(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const [, format, sizes] = /\] (?:Raw|Compressed)\s*:\s*(\S+)\s*:.*:\s*([\dx ]+?)\s*$/.exec(line) ?? [];
    return sizes?.split(" ").map((size) => `${format} ${size}`) ?? [];
  });
}

/** Lines "[AVFoundation indev @ 0x7f] [0] FaceTime HD Camera" below "AVFoundation video devices:". */
export function avfoundationNames(lines: readonly string[]): string[] {
  let isVideo = false;
  return lines.flatMap((line) => {
    const section = /AVFoundation (video|audio) devices/.exec(line)?.[1];
    if (section !== undefined) isVideo = section === "video";
    const name = /\] \[\d+\] (.+)$/.exec(line)?.[1];
    return isVideo && name !== undefined && !/^Capture screen/.test(name) ? [name] : [];
  });
}

/** Lines '[dshow @ 0x1] "USB Camera" (video)'; before ffmpeg 5 the kind stood in a line above them. */
export function dshowNames(lines: readonly string[]): string[] {
  let isVideo = false;
  return lines.flatMap((line) => {
    const section = /DirectShow (video|audio) devices/.exec(line)?.[1];
    if (section !== undefined) isVideo = section === "video";
    const [, name, kind] = /\] +"([^"]+)"(?: \((\w+)\))?\s*$/.exec(line) ?? [];
    if (name === undefined || name.startsWith("@device")) return [];
    return kind === "video" || (kind === undefined && isVideo) ? [name] : [];
  });
}
