import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { AiwError, systemCode } from "../core/errors.js";
import type { ShapeName } from "../core/shapes.js";
import { commandFailure } from "./command-failure.js";
import { clearStale } from "./clear-stale.js";
import { environmentError } from "./environment-error.js";
import { runCommand } from "./run-command.js";
import { type WorkerCommandOptions, workerEnv } from "./worker-command.js";

/**
 * The builder's version, which its files carry. To be raised with every change of what worker/aiw_worker/shapes
 * writes: those in the cache are then built anew.
 */
export const BUILDER_VERSION = "1";
/** Who a file says has made it: yolo11.py's PRODUCER. */
const PRODUCER = "aiw-shape";
/** How a model's file begins: its IR version, a number below 128 in field 1; then its producer, a text in field 2. */
const PRODUCER_AT = 4;
const PRODUCER_TAG = [0x12, PRODUCER.length];

export interface BuildShapeOptions extends Omit<WorkerCommandOptions, "args"> {
  readonly shape: ShapeName;
  /** Sides of the input, multiples of 32 (default: 640x640). */
  readonly size?: { readonly width: number; readonly height: number } | undefined;
  /** Leaves batch, height and width open. */
  readonly dynamic?: boolean;
  /** Of the weights (default: 0). */
  readonly seed?: number | undefined;
  readonly debug?: boolean;
  readonly signal: AbortSignal;
}

/**
 * Writes a model of known layers and random weights, whole or not at all; overwrites what is there.
 * @param part where it lies until it is whole: on the file system of `out`
 * @throws AiwError OUTPUT_FAILED, ENV_DAMAGED, PYTHON_UNUSABLE, WORKER_START, INTERRUPTED
 */
export async function buildShape(
  options: BuildShapeOptions,
  out: string,
  part = `${out}.${process.pid}.part`,
): Promise<void> {
  const { python, shape, size, dynamic, seed, debug, signal } = options;
  const args = [
    ...["-m", "aiw_worker.shapes", shape, "--version", BUILDER_VERSION, `--out=${part}`],
    ...(size === undefined ? [] : ["--size", `${size.width}x${size.height}`]),
    ...(seed === undefined ? [] : ["--seed", String(seed)]),
    ...(dynamic ? ["--dynamic"] : []),
    ...(debug ? ["--debug"] : []),
  ];
  try {
    const result = await runCommand(python, args, { env: workerEnv({ ...options, args: [] }), signal });
    if (result.code !== 0)
      throw environmentError(commandFailure({ doing: `building ${shape}`, ...result }), options);
    await rename(part, out).catch((cause: unknown) => {
      throw new AiwError("OUTPUT_FAILED", `${out} cannot be written (${systemCode(cause)})`, { cause });
    });
  } finally {
    await rm(part, { force: true }).catch(() => undefined);
  }
}

/**
 * The file of a shape in aiw's cache, built when it is first asked for.
 * @param onBuild called when it has to be built
 * @throws AiwError CACHE_UNUSABLE, and as buildShape
 */
export async function cachedShape(
  options: BuildShapeOptions & { readonly cacheDir: string },
  onBuild: () => void,
): Promise<string> {
  const { cacheDir, shape } = options;
  const file = shapeFile(cacheDir, shape);
  if (await isBuiltShape(file)) return file;
  onBuild();
  const parts = join(cacheDir, "shapes", "parts");
  try {
    await mkdir(parts, { recursive: true });
    await clearStale(parts);
  } catch (cause) {
    throw new AiwError("CACHE_UNUSABLE", `${parts} cannot be used (${systemCode(cause)})`, { cause });
  }
  await buildShape(options, file, join(parts, `${shape}-${process.pid}.onnx`));
  return file;
}

/** Where the cache has a shape, or will have it. */
export function shapeFile(cacheDir: string, shape: ShapeName): string {
  return join(cacheDir, "shapes", `${shape}-${BUILDER_VERSION}.onnx`);
}

/** Whether a file is there, and is a model that was built here. */
export async function isBuiltShape(path: string): Promise<boolean> {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return false;
  try {
    const length = PRODUCER_AT + PRODUCER.length;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
    const tag = buffer.subarray(PRODUCER_AT - PRODUCER_TAG.length, PRODUCER_AT);
    const isProducer = buffer.toString("latin1", PRODUCER_AT) === PRODUCER;
    return bytesRead === length && tag.equals(Buffer.from(PRODUCER_TAG)) && isProducer;
  } catch {
    return false;
  } finally {
    await file.close();
  }
}
