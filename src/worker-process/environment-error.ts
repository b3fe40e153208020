import { AiwError } from "../core/errors.js";

/**
 * What a Python program of ours ended with, where that was a package which cannot be imported: then the
 * error is about its environment. Any other error comes back as it is.
 */
export function environmentError(
  error: unknown,
  { python, kind = "given" }: { readonly python: string; readonly kind?: "managed" | "given" },
): unknown {
  if (!(error instanceof AiwError) || error.workerName !== "ENGINE_MISSING") return error;
  if (kind === "given") {
    return new AiwError("PYTHON_UNUSABLE", `AIW_PYTHON=${python}: ${error.message}`, { cause: error });
  }
  const message = `the Python environment of ${python} is damaged: ${error.message}`;
  return new AiwError("ENV_DAMAGED", message, { cause: error });
}
