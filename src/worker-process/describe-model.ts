import { AiwError } from "../core/errors.js";
import type { ModelDescription } from "../core/model-description.js";
import type { WorkerCommandOptions } from "./worker-command.js";

export interface DescribeModelOptions extends Omit<WorkerCommandOptions, "args"> {
  /** The model; see checkModelFile in model-file.ts for what is no model at all. */
  file: string;
  /** Threads of the one inference that it takes to recognise a model; without it the worker's own choice. */
  threads?: number | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Runs `python -m aiw_worker.describe FILE` and returns what it says. A model that aiw cannot run is
 * described too, with `refusal` saying why.
 * @throws AiwError WORKER_REFUSED with the worker's own error (MODEL_TRUNCATED, MODEL_INVALID …),
 *   WORKER_START (it could not be run, or said nothing that is understood), INTERRUPTED.
 */
export function describeModel(_options: DescribeModelOptions): Promise<ModelDescription> {
  return Promise.reject(new AiwError("NOT_BUILT", "describing models is not built yet"));
}
