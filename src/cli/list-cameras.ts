import type { Settings } from "../config/settings.js";
import { ExitCode } from "../core/errors.js";
import { cameraList } from "../reports/camera-list.js";
import { writeWhole } from "../sinks/whole-file.js";
import { cameraDevices } from "../source/camera-devices.js";
import { findOnPath } from "../worker-process/find-on-path.js";
import { runCommand } from "../worker-process/run-command.js";
import type { CommandContext } from "./command-context.js";
import { Machine } from "./machine.js";

/** How long a device may take to say what it has, milliseconds. */
const TIMEOUT_MS = 15_000;

/** Whether the cameras are to be listed (`--camera list`) in place of what the command does. */
export function asksForList({ camera = [] }: Settings): boolean {
  return camera.includes("list");
}

/** The local cameras with their formats and rates, on stdout. @throws FFMPEG_MISSING, OUTPUT_FAILED */
export async function listCameras(settings: Settings, context: CommandContext): Promise<number> {
  const { env, progress, interrupt: signal } = context;
  const ffmpeg = await new Machine(context, signal, settings).ffmpeg(true);
  progress.step("asking the cameras what they have");
  const devices = await cameraDevices(process.platform, {
    ffmpeg,
    v4l2Ctl: findOnPath("v4l2-ctl", env),
    run: (command, args) => runCommand(command, args, { env, signal, timeoutMs: TIMEOUT_MS }),
  });
  progress.clear();
  if (devices.length === 0) progress.note("aiw: no camera on this machine");
  else await writeWhole("-", cameraList(devices));
  return ExitCode.ok;
}
