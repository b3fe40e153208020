import { access, constants } from "node:fs/promises";
import { systemCode } from "../core/errors.js";
import { plural } from "../core/plural.js";
import {
  deviceNames,
  type DeviceTools,
  problemOf,
  v4l2Answer,
  v4l2Devices,
} from "../source/camera-devices.js";
import { type Check, verdicts } from "./check.js";

export interface CamerasOptions extends DeviceTools {
  readonly platform: NodeJS.Platform;
  /** Where /dev/videoN are. */
  readonly deviceFolder?: string;
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
  const names = await deviceNames(platform, ffmpeg, run);
  if (names.length === 0) return [all.ok("no camera")];
  return [all.ok(`${plural(names.length, "camera")}: ${names.join(", ")}`)];
}

async function checkV4l2(options: CamerasOptions): Promise<Check[]> {
  const folder = options.deviceFolder ?? "/dev";
  const devices = await v4l2Devices(folder);
  if (devices.length === 0) return [all.ok(`no camera: there is no ${folder}/videoN`)];
  const checks: Check[] = [];
  for (const name of devices) checks.push(await checkDevice(name, options));
  return checks;
}

async function checkDevice(device: string, tools: DeviceTools): Promise<Check> {
  const { ok, warning } = verdicts(`camera:${device}`, `camera ${device}`);
  try {
    await access(device, constants.R_OK | constants.W_OK);
  } catch (error) {
    const denied = systemCode(error) === "EACCES";
    const advice = denied ? JOIN_VIDEO_GROUP : "Check that the camera is still plugged in.";
    return warning(`cannot be opened (${denied ? "permission denied" : systemCode(error)})`, advice);
  }
  const answer = await v4l2Answer(device, tools);
  if (answer === undefined) {
    return warning("its formats are not known: it takes ffmpeg or v4l2-ctl", "Mend ffmpeg first.");
  }
  const { formats, lines } = answer;
  if (formats.length > 0) return ok(listed(formats));
  const problem = problemOf(lines);
  if (problem === undefined)
    return ok("has no picture format: it is a camera's second device, or an encoder");
  const advice = /permission denied/i.test(problem)
    ? JOIN_VIDEO_GROUP
    : /busy/i.test(problem)
      ? "End the other program that uses it."
      : "Check that the camera is still plugged in.";
  return warning(`cannot be opened: ${problem}`, advice);
}

function listed(formats: readonly string[]): string {
  const more = formats.length > NAMED ? `, and ${formats.length - NAMED} more` : "";
  return `${formats.slice(0, NAMED).join(", ")}${more}`;
}
