import { printable } from "../core/printable.js";
import type { CameraDevice } from "../source/camera-devices.js";

/** A block of lines for each local camera: what --camera takes, and below it what it has. */
export function cameraList(devices: readonly CameraDevice[]): string {
  return devices.map((device) => `${printable(device.device)}\n${below(device)}`).join("");
}

function below({ formats, problem }: CameraDevice): string {
  const unknown = "has no picture format: it is a camera's second device, or an encoder";
  const lines = formats.length > 0 ? formats : [problem ?? unknown];
  return lines.map((line) => `  ${printable(line)}\n`).join("");
}
