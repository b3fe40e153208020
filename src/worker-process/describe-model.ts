import { z } from "zod";
import { AiwError } from "../core/errors.js";
import type { ModelDescription } from "../core/model-description.js";
import { commandFailure } from "./command-failure.js";
import { environmentError } from "./environment-error.js";
import { runCommand } from "./run-command.js";
import { type WorkerCommandOptions, workerEnv } from "./worker-command.js";

export interface DescribeModelOptions extends Omit<WorkerCommandOptions, "args"> {
  /** The model; see checkModelFile in model-file.ts for what is no model at all. */
  file: string;
  /** Threads of the one inference that it takes to recognise a model; without it the worker's own choice. */
  threads?: number | undefined;
  /** Has the worker add a traceback to its error; that is in the error's detail. */
  debug?: boolean;
  signal?: AbortSignal | undefined;
}

/** Names of classes may fill a megabyte of metadata, and JSON writes six characters for some. */
const MAX_STDOUT_CHARS = 32 * 1024 * 1024;

const text = z.string().nullable();
const count = z.number().int().nonnegative();
const tensor = z.object({
  name: z.string(),
  shape: z.array(z.union([z.number().int(), z.string(), z.null()])),
  dtype: z.string(),
});

const descriptionSchema: z.ZodType<ModelDescription> = z.object({
  file: z.string(),
  bytes: count,
  sha256: z.string(),
  weight_files: z.array(z.string()),
  family: text,
  refusal: z.object({ name: z.string(), message: z.string() }).nullable(),
  task: text,
  input: tensor
    .extend({ width: count.nullable(), height: count.nullable(), dynamic: z.boolean() })
    .nullable(),
  outputs: z.array(tensor),
  classes: z.object({ names: z.array(z.string()), source: z.enum(["metadata", "assumed"]) }).nullable(),
  precision: z.object({ name: z.string(), shares: z.record(z.string(), z.number()) }),
  opset: count.nullable(),
  other_opsets: z.record(z.string(), z.number()),
  ir_version: count,
  producer: text,
  parameters: count,
  gflop: z.number().nonnegative().nullable(),
  gflop_unknown: text,
  suppression: z.enum(["in the graph", "by class", "of all classes"]).nullable(),
  metadata: z.object({ author: text, license: text, date: text, version: text, description: text }),
  runtime: z.string(),
  providers: z.array(z.object({ name: z.string(), starts: z.boolean(), reason: text })),
  warnings: z.array(z.string()),
});

/**
 * Runs `python -m aiw_worker.describe FILE` and returns what it says. A model that aiw cannot run is
 * described too, with `refusal` saying why.
 * @throws AiwError WORKER_REFUSED with the worker's own error (MODEL_TRUNCATED, MODEL_INVALID …),
 *   ENV_DAMAGED, PYTHON_UNUSABLE (a package is missing), WORKER_START (it could not be run, or said nothing that is understood), INTERRUPTED.
 */
export async function describeModel(options: DescribeModelOptions): Promise<ModelDescription> {
  const { python, file, threads, debug, signal } = options;
  const flags = [
    ...(threads === undefined ? [] : ["--threads", String(threads)]),
    ...(debug ? ["--debug"] : []),
  ];
  const result = await runCommand(python, ["-m", "aiw_worker.describe", ...flags, "--", file], {
    env: workerEnv({ ...options, args: [] }),
    signal,
    maxStdoutChars: MAX_STDOUT_CHARS,
  });
  if (result.code !== 0) {
    throw environmentError(commandFailure({ doing: `describing ${file}`, ...result }), options);
  }
  const parsed = descriptionSchema.safeParse(parseJson(result.stdout));
  if (parsed.success) return parsed.data;
  throw new AiwError("WORKER_START", `describing ${file}: what the worker said of it is not understood`, {
    cause: parsed.error,
    detail: result.lines.join("\n"),
  });
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
