import { basename, dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { findConfigFile } from "../config/config-file.js";
import { configTemplate, modelComment } from "../config/config-template.js";
import type { Settings } from "../config/settings.js";
import { AiwError, ExitCode } from "../core/errors.js";
import type { ModelDescription } from "../core/model-description.js";
import { isShape } from "../core/shapes.js";
import { packageVersion } from "../core/version.js";
import {
  configLine,
  firstFramesLine,
  type InitReport,
  modelLine,
  nextSteps,
} from "../reports/init-summary.js";
import { modelCard } from "../reports/model-card.js";
import { commandsToGoOn } from "../reports/next-commands.js";
import { optimizeLine, optimizeTable, tunedLine } from "../reports/optimize-table.js";
import { checkFresh, type Provenance, provenanceOfModel, sourceOf } from "../optimize/provenance.js";
import type { OptimizedModel } from "./optimized-folder.js";
import { checkWritable, writeWhole } from "../sinks/whole-file.js";
import { describeModel } from "../worker-process/describe-model.js";
import { askFfmpeg } from "../worker-process/ffmpeg-binary.js";
import type { PythonEnvironment } from "../worker-process/python-env.js";
import { checkModelFile } from "../worker-process/model-file.js";
import { probePython, versionText } from "../worker-process/python-probe.js";
import type { CommandContext } from "./command-context.js";
import { EMBEDDED_MODEL } from "./default-model.js";
import { exportWeights } from "./export-weights.js";
import { firstFrames } from "./first-frames.js";
import type { Flag, ParsedFlags } from "./flags.js";
import {
  refuseIdleFlags,
  refuseToOptimizeFor,
  type Running,
  runningOf,
  threadsAsked,
} from "./init-running.js";
import { Machine } from "./machine.js";
import { modelPath } from "./model-path.js";
import { originalOf } from "./original-of.js";
import { commandSettings, refuseValues } from "./settings.js";
import { writeConfig } from "./write-config.js";

/** What the first frames are run with, as run and bench will be. */
const HEEDED = [
  ...(["threads", "size", "pixel_format", "conf", "iou", "classes", "require_provider"] as const),
  // What there is to look at, to calibrate with.
  ...(["source", "camera"] as const),
];

/** `aiw init`: makes the machine ready, looks at the model, and writes a configuration. */
export async function execute(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  context: CommandContext,
): Promise<number> {
  const settings = await commandSettings(flags, parsed, context.env, { configMayBeNew: true, more: HEEDED });
  const configPath = await configFileOf(parsed.config as string | undefined);
  checkWritable(configPath);
  const report = await new Init(settings, parsed, context).run(configPath);
  context.progress.clear();
  context.progress.note(nextSteps(report));
  if (parsed.json === true) await writeWhole("-", `${JSON.stringify(report, null, 2)}\n`);
  return ExitCode.ok;
}

/** The file that init writes: the one named, else the one that settings are taken from, else a new one here. */
async function configFileOf(named: string | undefined): Promise<string> {
  if (named !== undefined) return resolve(named);
  return (await findConfigFile(undefined, process.cwd()))?.path ?? resolve("aiw.yaml");
}

/** The steps, each of which can be done again and finds what was done before. */
class Init {
  private readonly machine: Machine;
  /** Of the optimised model that is optimised anew. */
  private before: Provenance | undefined;

  constructor(
    private readonly settings: Settings,
    private readonly flags: ParsedFlags,
    private readonly context: CommandContext,
  ) {
    this.machine = new Machine(context, context.interrupt, settings);
  }

  async run(configPath: string): Promise<InitReport> {
    const { model: given } = this.settings;
    refuseIdleFlags(this.flags);
    refuseToOptimizeFor(this.settings, this.flags);
    // Before anything is made: a wrong name is the likeliest mistake, and the quickest to find.
    const shape = given !== undefined && isShape(given) ? given : undefined;
    const { weights, provenance: earlier } = await this.weights(shape === undefined ? given : undefined);
    const environment = await this.environment();
    const ffmpeg = await this.ffmpeg();
    const { machine, context } = this;
    const path =
      shape === undefined
        ? (weights ?? EMBEDDED_MODEL)
        : await modelPath(shape, machine, context, context.interrupt);
    const model = await this.model(path);
    const optimized = this.flags.optimize === true ? await this.optimize(path, model) : undefined;
    const provenance = optimized?.provenance ?? earlier;
    const running = runningOf(optimized?.path ?? path, provenance, this.settings, this.flags);
    refuseValues(running);
    const first = await this.firstFrames(running);
    // A shape keeps its name: where its file lies is no business of a configuration.
    const named = shape !== undefined && running.model === path ? { ...running, model: shape } : running;
    const config = await this.config(
      configPath,
      named,
      given === undefined
        ? undefined
        : { model: running.model === path ? model : await this.describe(running.model), provenance },
    );
    return {
      schema: "aiw.init/1",
      aiw: packageVersion(),
      environment,
      ffmpeg,
      model: { ...model, embedded: given === undefined },
      optimized: optimized === undefined ? null : { ...optimized.provenance, path: optimized.path },
      first_frames: first,
      config,
      next: commandsToGoOn(shape ?? weights),
    };
  }

  /**
   * The model to set up; of one that aiw has optimised the original, where that is to be done again.
   * @throws MODEL_…
   */
  private async weights(
    given: string | undefined,
  ): Promise<{ weights: string | undefined; provenance: Provenance | undefined }> {
    if (given === undefined) return { weights: undefined, provenance: undefined };
    const made = await provenanceOfModel(resolve(given));
    const provenance = made !== undefined && "provenance" in made ? made.provenance : undefined;
    if (made !== undefined && this.flags.optimize === true) {
      this.before = provenance;
      return { weights: await originalOf(given, made), provenance: undefined };
    }
    // A damaged or outdated one says so better than whoever tries to load it.
    if (provenance !== undefined) await checkFresh(given);
    return { weights: await this.modelFile(given), provenance };
  }

  /** The ONNX file, which is exported first where weights are given and that is asked for. */
  private async modelFile(given: string): Promise<string> {
    try {
      await checkModelFile(given);
      return resolve(given);
    } catch (error) {
      const isWeights = error instanceof AiwError && error.code === "MODEL_NOT_EXPORTED";
      if (!isWeights || this.flags.export !== true) throw error;
    }
    const exported = await exportWeights(given, this.flags, this.machine, this.context);
    await checkModelFile(exported);
    return resolve(exported);
  }

  private async environment(): Promise<InitReport["environment"]> {
    const { context, machine } = this;
    context.progress.step("looking for the Python environment");
    const { python, kind } = await this.python();
    const facts = await probePython([python], context.env, context.interrupt);
    const version = "failure" in facts ? "unknown" : versionText(facts);
    const variant = kind === "managed" && machine.variant !== "cpu" ? ` for ${machine.variant}` : "";
    const where = kind === "given" ? `given by AIW_PYTHON: ${python}` : `in ${machine.cacheDir}`;
    this.done("environment", `Python ${version}${variant}, ${where}`);
    return { python, version, kind };
  }

  /** One that has all engines where they are to be tried: nobody should wait for two. */
  private async python(): Promise<PythonEnvironment> {
    const { machine, settings, flags } = this;
    if (flags.optimize !== true || settings.engine === "onnxruntime") return machine.python({ repair: true });
    try {
      return await machine.python({ variant: "openvino", repair: true });
    } catch (error) {
      // The optimiser says what it can't try; asked for by name it must be there.
      if (settings.engine === "openvino" || !(error instanceof AiwError) || error.code === "INTERRUPTED")
        throw error;
      return machine.python({ variant: "cpu", repair: true });
    }
  }

  private async ffmpeg(): Promise<InitReport["ffmpeg"]> {
    const { context, machine } = this;
    context.progress.step("looking for ffmpeg");
    try {
      const path = await machine.ffmpeg(true);
      const answer = await askFfmpeg(path, context.env, context.interrupt);
      if ("failure" in answer) {
        throw new AiwError("FFMPEG_FAILED", `${path} does not run: ${answer.failure}`);
      }
      const { version } = answer;
      const isOurs = path.startsWith(machine.cacheDir);
      this.done("ffmpeg", `${version}, ${isOurs ? "of the Python environment" : path}`);
      return { path, version };
    } catch (error) {
      if (!(error instanceof AiwError) || error.code === "INTERRUPTED") throw error;
      this.warn("ffmpeg", `${error.message}; videos and cameras need it. ${error.advice}`);
      return null;
    }
  }

  private async describe(path: string): Promise<ModelDescription> {
    const { context, machine, settings } = this;
    const { workerDir, cacheDir } = machine;
    context.progress.step(`looking at ${basename(path)}`);
    const { python, kind } = await machine.python();
    return describeModel({
      ...{ python, kind, workerDir, cacheDir, file: path, threads: settings.threads },
      ...{ env: context.env, debug: context.debug, signal: context.interrupt },
    });
  }

  private async model(path: string): Promise<ModelDescription> {
    const { context } = this;
    const model = await this.describe(path);
    if (model.refusal !== null) {
      context.progress.note(modelCard(model));
      throw new AiwError("WORKER_REFUSED", model.refusal.message, { workerName: model.refusal.name });
    }
    const is = path === EMBEDDED_MODEL ? "the built-in one, which knows only synthetic:" : model.file;
    this.done("model", is);
    // Its first line names the file, and has just been said.
    const [, ...lines] = modelCard(model).split("\n");
    context.progress.note(lines.join("\n"));
    return model;
  }

  private async optimize(path: string, description: ModelDescription): Promise<OptimizedModel> {
    const { settings, machine, context, flags } = this;
    // What an earlier optimisation has put into the file is no wish of the user's.
    const { engine: _engine, threads, ...others } = settings;
    const asked = threadsAsked(threads, this.before);
    const wanted: Settings = {
      ...others,
      ...(flags.engine === undefined ? {} : { engine: settings.engine }),
      ...(asked === undefined ? {} : { threads: asked }),
    };
    const { optimizeModel } = await import("./optimize.js");
    const original = { path, description, source: await sourceOf(path, description.weight_files) };
    const found = await optimizeModel(original, wanted, machine, context, flags.force === true);
    const { provenance, reused } = found;
    context.progress.clear();
    context.progress.note(optimizeTable(provenance));
    this.done("optimised", `${optimizeLine(provenance)}${reused ? `, as found ${provenance.created}` : ""}`);
    // Otherwise the first frames say it, as every run will.
    if (!provenance.verified && settings.quiet === true) {
      process.stderr.write(
        "aiw: warning: what the optimised model sees was not compared with the original\n",
      );
    }
    return found;
  }

  private async firstFrames(running: Running): Promise<InitReport["first_frames"]> {
    const { info, total } = await firstFrames({ ...this.settings, ...running }, this.context);
    this.done("first frames", firstFramesLine(total));
    return { provider: info.providers[0] ?? "unknown", latency_ms: total };
  }

  private async config(
    path: string,
    running: Running,
    found: { model: ModelDescription; provenance: Provenance | undefined } | undefined,
  ): Promise<InitReport["config"]> {
    const model = found && {
      path: isShape(running.model) ? running.model : relativePath(dirname(path), running.model),
      description: modelLine(found.model),
      classNames: found.model.classes?.names ?? [],
      from: found.provenance && tunedLine(found.provenance),
    };
    const { flags } = this;
    const { engine, device, threads } = running;
    const isAsked = ["optimize", "model", "engine", "device"].some((name) => flags[name] !== undefined);
    const outcome = await writeConfig(path, {
      content: configTemplate(model, running),
      asked: isAsked
        ? {
            changes: { ...(model && { model: model.path }), engine, device, threads },
            modelComment: model && modelComment(model),
          }
        : undefined,
      overwrites: flags.force === true && flags.optimize !== true,
    });
    const shown = { ...outcome, path: relative(process.cwd(), path) || path };
    if (outcome.action === "kept") this.warn("settings", configLine(shown));
    else this.done("settings", configLine(shown));
    if (outcome.difference !== undefined) this.context.progress.note(outcome.difference);
    return outcome;
  }

  private done(step: string, said: string): void {
    this.context.progress.clear();
    this.context.progress.note(`✔ ${step.padEnd(13)} ${said}`);
  }

  private warn(step: string, said: string): void {
    this.context.progress.clear();
    this.context.progress.note(`! ${step.padEnd(13)} ${said}`);
  }
}

/** As a file in `folder` is to name it: relative, with slashes; absolute where it lies elsewhere. */
function relativePath(folder: string, path: string): string {
  const way = relative(folder, path);
  return isAbsolute(way) || way.startsWith("..") ? path : way.split(sep).join("/");
}
