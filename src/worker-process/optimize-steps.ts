import { z } from "zod";
import { AiwError } from "../core/errors.js";
import type { FrameFiles } from "../core/trial.js";
import { commandFailure } from "./command-failure.js";
import { environmentError } from "./environment-error.js";
import { runCommand } from "./run-command.js";
import { type WorkerCommandOptions, workerEnv } from "./worker-command.js";

export interface OptimizeStepOptions extends Omit<WorkerCommandOptions, "args"> {
  debug?: boolean;
  /** Ends the step that runs; what it was writing is left under its own name. */
  signal?: AbortSignal | undefined;
}

const prepared = z.object({ why: z.string().nullable() });
const written = z.object({ bytes: z.number() });
const calibrated = z.object({ frames: z.number() });

/**
 * The steps that make other models of one, each a process of its own that ends after it.
 * @throws AiwError WORKER_REFUSED with the worker's own error (MODEL_INVALID, QUANTIZE_FAILED),
 *   OUT_OF_MEMORY, WORKER_START, ENV_DAMAGED, PYTHON_UNUSABLE, INTERRUPTED
 */
export class OptimizeSteps {
  constructor(private readonly options: OptimizeStepOptions) {}

  /** Writes the model simplified, at an input size of its own where one is given ("640x480"). */
  async prepare(model: string, size: string | undefined, out: string): Promise<z.infer<typeof prepared>> {
    const sized = size === undefined ? [] : [`--size=${size}`];
    return this.run("prepare", prepared, model, [...sized, `--out=${out}`]);
  }

  /** Writes the ranges that the tensors of a prepared model take over the first `count` frames. */
  async calibrate(model: string, frames: FrameFiles, count: number, out: string): Promise<void> {
    const { pixels, sizes } = frames;
    const args = [`--pixels=${pixels}`, `--sizes=${sizes}`, `--count=${count}`, `--out=${out}`];
    await this.run("calibrate", calibrated, model, args);
  }

  /** Writes a prepared model in 8 bits. */
  async quantize(
    model: string,
    ranges: string,
    { operators, keptFloat }: { operators: string; keptFloat: string },
    out: string,
  ): Promise<void> {
    const args = [`--ranges=${ranges}`, `--operators=${operators}`, `--float=${keptFloat}`, `--out=${out}`];
    await this.run("quantize", written, model, args);
  }

  /** Writes the model with these metadata properties, and notes that are said wherever it is used. */
  async finish(
    model: string,
    metadata: Readonly<Record<string, string>>,
    notes: readonly string[],
    out: string,
  ): Promise<void> {
    const said = notes.map((note) => `--note=${note}`);
    const args = [`--metadata=${JSON.stringify(metadata)}`, ...said, `--out=${out}`];
    await this.run("finish", written, model, args);
  }

  private async run<T>(
    command: string,
    answer: z.ZodType<T>,
    model: string,
    args: readonly string[],
  ): Promise<T> {
    const { python, debug, signal } = this.options;
    const all = [
      // With "=" a path may begin with a dash.
      ...["-m", "aiw_worker.optimize", command, `--model=${model}`, ...args],
      ...(debug ? ["--debug"] : []),
    ];
    const { stdout, ...ended } = await runCommand(python, all, {
      env: workerEnv({ ...this.options, args: [] }),
      signal,
    });
    const doing = `step ${command} of ${model}`;
    if (ended.code !== 0) throw environmentError(commandFailure({ doing, ...ended }), this.options);
    try {
      return answer.parse(JSON.parse(stdout));
    } catch (cause) {
      const detail = ended.lines.join("\n");
      throw new AiwError("WORKER_START", `${doing}: its answer is not understood`, { cause, detail });
    }
  }
}
