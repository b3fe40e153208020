import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Settings } from "../config/settings.js";
import { AiwError, systemCode } from "../core/errors.js";
import type { FrameFiles } from "../core/trial.js";
import type { Size } from "../frame/pixel-format.js";
import { frameFiles, writeFrames } from "../optimize/frame-store.js";
import { GraphMaker } from "../optimize/graph-maker.js";
import { fillingSize, usualSize } from "../optimize/input-size.js";
import type { Findings } from "../optimize/optimized.js";
import { optimize } from "../optimize/optimizer.js";
import { possible } from "../optimize/possible.js";
import { writeWholeFile } from "../sinks/whole-file.js";
import { withEnvLock } from "../worker-process/env-lock.js";
import { OptimizeSteps } from "../worker-process/optimize-steps.js";
import { probePython, versionText } from "../worker-process/python-probe.js";
import { openTrial } from "../worker-process/trial.js";
import { calibrationFrames } from "./calibration-frames.js";
import type { CommandContext } from "./command-context.js";
import type { Machine } from "./machine.js";
import {
  DEFAULT_MIN_AGREEMENT,
  findOptimized,
  folderName,
  keepOptimized,
  type OptimizedModel,
  type Original,
  type Subject,
} from "./optimized-folder.js";
import { DEFAULT_SIZE } from "./sources.js";
import { classIds } from "./worker-session.js";

const FINDINGS = "findings.json";

/**
 * Finds the fastest way to run a model here that agrees with it, and keeps it in aiw's cache.
 * @param force times all anew where an earlier command has found it already
 * @throws OPTIMIZE_UNJUDGED, SOURCE_…, WORKER_…, ENV_…, INTERRUPTED; what was done by then is kept
 */
export async function optimizeModel(
  original: Original,
  settings: Settings,
  machine: Machine,
  context: CommandContext,
  force: boolean,
): Promise<OptimizedModel> {
  const startedAt = performance.now();
  const { engines, python, leftOut } = await enginesFor(settings, machine, context);
  const frames = await calibrationFrames(settings, machine, context);
  const subject: Subject = { original, settings, engines, python, leftOut, frames, startedAt };
  const folder = join(machine.cacheDir, "optimized", folderName(subject));
  const find = async (say: (why: string) => void) =>
    force ? undefined : findOptimized(folder, subject, say);
  const earlier = await find(() => undefined);
  if (earlier !== undefined) return earlier;
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw cacheUnusable(folder, cause);
  }
  return withEnvLock(
    { dir: folder, lockPath: `${folder}.lock` },
    () => undefined,
    async () =>
      (await find((why) => context.progress.note(`aiw: ${why}`))) ??
      (await work(folder, subject, machine, context)),
    () => context.progress.step("waiting for another aiw command that optimises this model"),
    context.interrupt,
  );
}

/** The engines to try and an environment that has them. OpenVINO is an extra, and its lack no obstacle. */
async function enginesFor(
  { engine = "auto", require_provider: provider }: Settings,
  machine: Machine,
  { progress }: CommandContext,
): Promise<Pick<Subject, "engines" | "python" | "leftOut">> {
  const cpu = () => machine.python({ variant: "cpu" });
  if (engine === "onnxruntime") return { engines: [engine], python: await cpu(), leftOut: [] };
  if (engine === "auto" && provider !== undefined) {
    const leftOut = [`openvino was not tried: ${provider} is required, which is a provider of onnxruntime`];
    return { engines: ["onnxruntime"], python: await cpu(), leftOut };
  }
  try {
    progress.step("looking for a Python environment with OpenVINO");
    const python = await machine.python({ variant: "openvino" });
    const engines = engine === "openvino" ? [engine] : (["onnxruntime", "openvino"] as const);
    return { engines, python, leftOut: [] };
  } catch (error) {
    if (engine === "openvino" || !(error instanceof AiwError) || error.code === "INTERRUPTED") throw error;
    const leftOut = [`openvino was not tried: ${error.message}`];
    return { engines: ["onnxruntime"], python: await cpu(), leftOut };
  }
}

async function work(
  folder: string,
  subject: Subject,
  machine: Machine,
  context: CommandContext,
): Promise<OptimizedModel> {
  const { original, settings, engines, python, frames } = subject;
  const { progress, interrupt, env, debug } = context;
  const workFolder = join(folder, "work");
  const { calibrating, judging } = frames;
  const files = {
    calibrating: frameFiles(workFolder, "calibrating"),
    // Without a frame to judge on there still is one to time with.
    judging: frameFiles(workFolder, judging.length > 0 ? "judging" : "calibrating"),
  };
  const command = {
    ...{ python: python.python, kind: python.kind, workerDir: machine.workerDir, cacheDir: machine.cacheDir },
    ...{ env, debug, signal: interrupt },
  };
  const steps = new OptimizeSteps(command);
  const maker = new GraphMaker(original.path, workFolder, {
    prepare: (model, size, out) => {
      progress.step(`simplifying ${basename(model)}`);
      return steps.prepare(model, size, out);
    },
    calibrate: (prepared, out) => {
      progress.step(`calibrating with ${calibrating.length} frames`);
      return steps.calibrate(prepared, files.calibrating, calibrating.length, out);
    },
    quantize: (prepared, ranges, precision, out) => {
      progress.step(`quantising ${precision.operators === "conv" ? "the convolutions" : "all operators"}`);
      return steps.quantize(prepared, ranges, precision, out);
    },
  });
  try {
    await writeFrames(workFolder, files.calibrating, calibrating);
    if (judging.length > 0) await writeFrames(workFolder, files.judging, judging);
    const { filled, own } = inputSizes(subject);
    const { sizes, notQuantisable, leftOut } = await possible(maker, filled, own);
    subject.leftOut.push(...leftOut);
    const findingsFile = join(workFolder, FINDINGS);
    const optimized = await optimize({
      ...{ engines, sizes, notQuantisable, threads: settings.threads, judged: judging.length },
      classes: settings.classes && classIds(settings.classes, original.description.classes?.names ?? []),
      minAgreement: settings.min_agreement ?? DEFAULT_MIN_AGREEMENT,
      allowUnverified: settings.allow_unverified === true,
      findings: await readFindings(findingsFile),
      open: async (candidate) =>
        openTrial({
          ...command,
          model: await maker.graph(candidate),
          engine: candidate.engine,
          threads: candidate.threads,
          frames: files.judging,
          conf: settings.conf,
          iou: settings.iou,
        }),
      onStep: (text) => progress.step(text),
      onFinding: (findings) => writeWholeFile(findingsFile, JSON.stringify(findings)),
    });
    const facts = await probePython([python.python], env, interrupt);
    const version = "failure" in facts ? "unknown" : versionText(facts);
    return await keepOptimized(folder, subject, optimized, maker, steps, version);
  } catch (error) {
    if (interrupt.aborted && (await hasMade(workFolder))) {
      progress.note("aiw: what was done is kept; the same command goes on from there");
    }
    if (error instanceof AiwError || systemCode(error) === undefined) throw error;
    throw cacheUnusable(folder, error);
  } finally {
    // Of an interrupted command all else is kept; frames are taken anew, and are large.
    await removeFrames([files.calibrating, files.judging]);
    await removeHalfDone(workFolder);
  }
}

/** Whether there is something in it that took its time. */
async function hasMade(workFolder: string): Promise<boolean> {
  const files = await readdir(workFolder).catch(() => []);
  return files.some((file) => file === FINDINGS || file.endsWith(".onnx"));
}

/** The input that the frames fill, where that is smaller than the model's own; and that. */
function inputSizes({ original, settings, frames }: Subject): { filled: Size | undefined; own: Size } {
  const { input } = original.description;
  const own = { width: input?.width ?? 0, height: input?.height ?? 0 };
  const { size = DEFAULT_SIZE } = settings;
  const sent = size === "native" ? (usualSize(frames.calibrating) ?? own) : size;
  return { filled: fillingSize(sent, own), own };
}

/** A full disk, a folder that can't be written. */
function cacheUnusable(folder: string, cause: unknown): AiwError {
  const why = `${folder} can't be written (${systemCode(cause)})`;
  return new AiwError("CACHE_UNUSABLE", why, { cause });
}

async function readFindings(path: string): Promise<Findings> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Findings;
  } catch {
    return { agreements: {} };
  }
}

/** What a step that was killed has left of its own. */
async function removeHalfDone(workFolder: string): Promise<void> {
  const files = await readdir(workFolder).catch(() => []);
  for (const file of files.filter((name) => name.startsWith("calibrating-"))) {
    await rm(join(workFolder, file), { recursive: true, force: true });
  }
}

async function removeFrames(files: readonly FrameFiles[]): Promise<void> {
  for (const { pixels, sizes } of files) {
    await rm(pixels, { force: true });
    await rm(sizes, { force: true });
  }
}
