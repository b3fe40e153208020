import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rename } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { basename, join } from "node:path";
import type { Settings } from "../config/settings.js";
import type { ModelDescription } from "../core/model-description.js";
import { printable } from "../core/printable.js";
import { packageVersion } from "../core/version.js";
import { UNVERIFIED, unjudgedWords } from "../optimize/agreement.js";
import { type EngineName, graphKey } from "../optimize/candidate.js";
import { resultOf } from "../optimize/describe-result.js";
import { framesSha256 } from "../optimize/frame-store.js";
import type { GraphMaker } from "../optimize/graph-maker.js";
import type { Optimized } from "../optimize/optimized.js";
import {
  fileSha256,
  damageOf,
  FOUND,
  type Provenance,
  provenancePath,
  readProvenance,
} from "../optimize/provenance.js";
import { fit } from "../reports/columns.js";
import { writeWholeFile } from "../sinks/whole-file.js";
import type { OptimizeSteps } from "../worker-process/optimize-steps.js";
import type { PythonEnvironment } from "../worker-process/python-env.js";
import type { CalibrationFrames } from "./calibration-frames.js";
import { DEFAULT_SIZE } from "./sources.js";

/** Least F1 and mean IoU with the unchanged model's detections, 0..1. */
export const DEFAULT_MIN_AGREEMENT = 0.95;
const MEMORY_REMARK =
  "What had too little memory is tried again by the same command, for when there is more of it.";
/** Of a model's name in a note, which has 200 characters in all. */
const NOTE_NAME = 60;
/** A model as it is to be run from now on. */
export interface OptimizedModel {
  /** The file to run. */
  readonly path: string;
  readonly provenance: Provenance;
  /** Whether an earlier command found it. */
  readonly reused: boolean;
}

/** The model that is optimised. */
export interface Original {
  readonly path: string;
  readonly description: ModelDescription;
  /** What it is made of. */
  readonly source: Provenance["source"];
}

/** What is optimised, for what, and with what. */
export interface Subject {
  readonly original: Original;
  readonly settings: Settings;
  readonly engines: readonly EngineName[];
  readonly python: PythonEnvironment;
  readonly leftOut: string[];
  readonly frames: CalibrationFrames;
  /** performance.now() at the command's start. */
  readonly startedAt: number;
}

/**
 * What an earlier command has found for the same.
 * @param say told why that does not do, where it is no more than a start
 * @returns undefined where nothing was, its file is gone or damaged, more memory may find more, or it was
 *   allowed what now is not
 */
export async function findOptimized(
  folder: string,
  { original, settings }: Pick<Subject, "original" | "settings">,
  say: (why: string) => void,
): Promise<OptimizedModel | undefined> {
  const provenance = await readProvenance(join(folder, FOUND));
  if (provenance === undefined) return undefined;
  const path = pathOf(provenance, folder, original);
  if (!existsSync(path)) return undefined;
  if (!provenance.verified && settings.allow_unverified !== true) return undefined;
  const damage = await damageOf(path, provenance);
  if (damage !== undefined) {
    say(`${basename(path)} in aiw's cache ${damage}; making it anew`);
    return undefined;
  }
  if (provenance.lacked_memory) {
    say("what had too little memory the last time is tried again");
    return undefined;
  }
  if (provenance.file !== null) await writeBeside(path, provenance);
  return { path, provenance, reused: true };
}

/** Writes what was found into the cache, and takes away what led there. */
export async function keepOptimized(
  folder: string,
  { original, settings, frames, leftOut, startedAt }: Subject,
  optimized: Optimized,
  maker: GraphMaker,
  steps: OptimizeSteps,
  pythonVersion: string,
): Promise<OptimizedModel> {
  const { winner, verified } = optimized;
  const { precision, size, engine } = winner.candidate;
  // What is not verified carries that in its own metadata: a model of the user's is never written to.
  const isItself = precision === "fp32" && size === undefined && (verified || engine === "onnxruntime");
  const file = isItself ? null : `${stemOf(original.path)}-${graphKey(winner.candidate)}.onnx`;
  if (file !== null) {
    const notes = verified ? [] : [unverifiedNote(original.path, optimized)];
    const part = join(folder, `${file}.part`);
    await steps.finish(await maker.graph(winner.candidate), {}, notes, part);
    await rename(part, join(folder, file));
  }
  const result = resultOf(optimized);
  const provenance: Provenance = {
    schema: "aiw.optimized/1",
    created: new Date().toISOString(),
    source: original.source,
    file,
    file_sha256: file === null ? null : await fileSha256(join(folder, file)),
    ...result,
    min_agreement: settings.min_agreement ?? DEFAULT_MIN_AGREEMENT,
    calibration: {
      sources: [...frames.sources],
      frames: frames.calibrating.length,
      sha256: framesSha256(frames),
    },
    settings: shownSettings(settings),
    versions: { aiw: packageVersion(), python: pythonVersion, ...result.versions },
    machine: { cpu: cpus()[0]?.model.trim() ?? "unknown", cores: availableParallelism() },
    remarks: [
      ...leftOut,
      ...(result.lacked_memory ? [MEMORY_REMARK] : []),
      ...busyRemark(optimized),
      ...otherEngineRemark(settings, optimized),
    ],
    seconds: Math.round((performance.now() - startedAt) / 1000),
  };
  if (file !== null) await writeBeside(join(folder, file), provenance);
  await writeWholeFile(join(folder, FOUND), textOf(provenance));
  if (!result.lacked_memory) await maker.clear();
  return { path: pathOf(provenance, folder, original), provenance, reused: false };
}

/** Beside the model, where commands look that know no more than its name: also where it has been deleted there. */
async function writeBeside(path: string, provenance: Provenance): Promise<void> {
  const beside = provenancePath(path);
  const text = textOf(provenance);
  const there = await readFile(beside, "utf8").catch(() => undefined);
  if (there !== text) await writeWholeFile(beside, text);
}

function textOf(provenance: Provenance): string {
  return `${JSON.stringify(provenance, null, 2)}\n`;
}

function busyRemark({ busy }: Optimized): string[] {
  if (busy === undefined) return [];
  const [least, most] = busy.map((ms) => ms.toFixed(0));
  return [
    `The machine was busy: turns of the unchanged model took ${least} to ${most} ms. On a quiet one --force may find another.`,
  ];
}

function otherEngineRemark({ engine }: Settings, { winner }: Optimized): string[] {
  if (engine === undefined || engine === "auto" || engine === winner.candidate.engine) return [];
  return [
    `Nothing on ${engine} can be run and agrees; the model stays unchanged, on ${winner.candidate.engine}.`,
  ];
}

/** Short enough to be a note of a model, whatever that is called. */
function unverifiedNote(path: string, { reference, judgedFrames }: Optimized): string {
  const name = fit(printable(basename(path)), NOTE_NAME);
  return `${UNVERIFIED} against ${name}: ${unjudgedWords(reference, judgedFrames)}`;
}

function pathOf({ file }: Provenance, folder: string, original: Original): string {
  return file === null ? original.path : join(folder, file);
}

/** One folder for a model, what it looks at, and what it is to be good for. */
export function folderName({ original, settings, engines, python, frames }: Subject): string {
  const { min_agreement: min } = settings;
  const all = [
    ...[packageVersion(), original.source, framesSha256(frames), engines, python.python],
    ...[shownSettings(settings), min, cpus()[0]?.model, availableParallelism()],
  ];
  const key = createHash("sha256").update(JSON.stringify(all)).digest("hex").slice(0, 12);
  return `${stemOf(original.path)}-${key}`;
}

/** The settings that a model's detections depend on. */
function shownSettings({
  conf,
  iou,
  classes,
  threads,
  size = DEFAULT_SIZE,
}: Settings): Provenance["settings"] {
  return {
    conf: conf ?? null,
    iou: iou ?? null,
    classes: classes === undefined ? null : [...classes],
    size: size === "native" ? size : `${size.width}x${size.height}`,
    threads: threads ?? null,
  };
}

function stemOf(path: string): string {
  return basename(path).replace(/\.onnx$/i, "");
}
