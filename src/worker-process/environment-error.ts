import { AiwError } from "../core/errors.js";

interface Environment {
  readonly python: string;
  readonly kind?: "managed" | "given";
}

/**
 * What a Python program of ours ended with, where that was a package which cannot be imported: then the
 * error is about its environment. Any other error comes back as it is.
 * @param engine what the program was to run on; an interpreter that lacks just OpenVINO is fine otherwise
 */
export function environmentError(
  error: unknown,
  { python, kind = "given", engine }: Environment & { readonly engine?: string | undefined },
): unknown {
  if (!(error instanceof AiwError) || error.workerName !== "ENGINE_MISSING") return error;
  if (kind === "given") {
    const code = engine === "openvino" ? "ENGINE_MISSING" : "PYTHON_UNUSABLE";
    return new AiwError(code, `AIW_PYTHON=${python}: ${error.message}`, { cause: error });
  }
  const message = `the Python environment of ${python} is damaged: ${error.message}`;
  return new AiwError("ENV_DAMAGED", message, { cause: error });
}
