import { copyFile, mkdir, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { AiwError, systemCode } from "../core/errors.js";
import type { Env } from "./cache-dir.js";
import { clearStale } from "./clear-stale.js";
import { ensurePython } from "./python-env.js";
import { runCommand } from "./run-command.js";

export interface ExportOptions {
  env: Env;
  /** requirements-export.lock of the worker. */
  lockFile: string;
  cacheDir: string;
  onStep: (text: string) => void;
  signal: AbortSignal;
  /** Exports again though a file that is newer than the weights is there. */
  force: boolean;
}

/** What people are told before their weights are exported. */
export const EXPORT_NOTICE =
  "exporting is done by the package ultralytics, whose licence is AGPL-3.0, in an environment of its own " +
  "(gigabytes, as it brings PyTorch); loading a .pt file runs the code that is in it, so export only what you trust";

const EXPORT = `
import sys
from ultralytics import YOLO
print("aiw-exported " + str(YOLO(sys.argv[1]).export(format="onnx", device="cpu")))
`;

/** Where the export of some weights goes: beside them. */
export function exportTarget(weights: string): string {
  return weights.replace(/\.(?:pt|pth)$/i, "").concat(".onnx");
}

/**
 * Exports a .pt file of Ultralytics to ONNX, in a Python environment that holds their package and nothing
 * of the worker's; made when it is first needed. The file appears whole or not at all.
 * @returns the path of the ONNX file
 * @throws AiwError EXPORT_FAILED, INTERRUPTED, and as ensurePython
 */
export async function exportModel(weights: string, options: ExportOptions): Promise<string> {
  const { env, cacheDir, lockFile, onStep, signal } = options;
  const target = exportTarget(weights);
  if (!options.force && (await isThere(target))) {
    if (await isNewer(target, weights)) return target;
    const message = `${target} is there, and older than ${basename(weights)}; --force overwrites it`;
    throw new AiwError("EXPORT_FAILED", message);
  }
  // AIW_PYTHON names a worker's environment.
  const ownEnv = { ...env, AIW_PYTHON: undefined };
  const { python } = await ensurePython({ env: ownEnv, lockFile, cacheDir, onStep, signal });
  const exports = join(cacheDir, "export");
  await mkdir(exports, { recursive: true });
  await clearStale(exports);
  const scratch = await mkdtemp(join(exports, "run-"));
  try {
    onStep(`exporting ${basename(weights)}`);
    const copy = join(scratch, basename(weights));
    await copyFile(weights, copy);
    const result = await runCommand(python, ["-c", EXPORT, copy], {
      // It would otherwise look for its makers' servers, install what it misses, and keep settings in the
      // user's folder.
      env: { ...ownEnv, YOLO_OFFLINE: "true", YOLO_AUTOINSTALL: "false", YOLO_CONFIG_DIR: scratch },
      cwd: scratch,
      signal,
    });
    const made = /^aiw-exported (.+)$/m.exec(result.stdout)?.[1];
    if (result.code !== 0 || made === undefined) {
      const why = result.failure ?? result.lines.at(-1) ?? `exit code ${result.code}`;
      throw new AiwError("EXPORT_FAILED", `ultralytics cannot export ${basename(weights)}: ${why}`, {
        detail: result.lines.join("\n"),
      });
    }
    await place(join(scratch, basename(made)), target);
    return target;
  } finally {
    await rm(scratch, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function place(made: string, target: string): Promise<void> {
  const part = `${target}.${process.pid}.part`;
  try {
    await copyFile(made, part);
    await rename(part, target);
  } catch (cause) {
    await rm(part, { force: true }).catch(() => undefined);
    throw new AiwError("EXPORT_FAILED", `${target} cannot be written (${systemCode(cause)})`, { cause });
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

async function isNewer(target: string, weights: string): Promise<boolean> {
  const [made, from] = await Promise.all([target, weights].map((path) => stat(path).catch(() => undefined)));
  return made !== undefined && from !== undefined && made.mtimeMs >= from.mtimeMs;
}
