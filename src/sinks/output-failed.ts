import { AiwError, systemCode } from "../core/errors.js";

/** The error of a target that could not be written, with the system's reason. */
export function outputFailed(target: string, cause: unknown): AiwError {
  const reason = systemCode(cause) ?? (cause instanceof Error ? cause.message : String(cause));
  return new AiwError("OUTPUT_FAILED", `${target} cannot be written (${reason})`, { cause });
}
