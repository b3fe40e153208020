import { AiwError, type ErrorCode } from "../core/errors.js";
import { findErrorLine } from "./error-line.js";
import type { CommandResult } from "./run-command.js";

/**
 * Why one of the worker's modules failed: its own words where it named an error.
 * @param doing "describing a.onnx"
 */
export function moduleFailure(doing: string, { code, failure: why, lines }: CommandResult): AiwError {
  const detail = lines.join("\n");
  const named = findErrorLine(lines);
  if (named !== undefined) {
    const { workerName, message } = named;
    return new AiwError(errorCode(workerName), message, { workerName, detail });
  }
  const how = why ?? (code === null ? "a signal ended the worker" : `exit code ${code}`);
  const last = lines.at(-1);
  return new AiwError("WORKER_START", `${doing}: ${how}${last === undefined ? "" : `: ${last}`}`, { detail });
}

/** What is said of a model says the way out; of anything else only --debug knows more. */
function errorCode(workerName: string): ErrorCode {
  if (workerName === "OUTPUT_FAILED") return "OUTPUT_FAILED";
  return workerName.startsWith("MODEL_") ? "WORKER_REFUSED" : "WORKER_START";
}
