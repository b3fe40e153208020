import { realpath } from "node:fs/promises";
import { AiwError, systemCode } from "../core/errors.js";

/**
 * Refuses what is no model that can be run, before anything is made or started; the rest the worker
 * judges.
 * @returns the file's real path
 * @throws AiwError MODEL_NOT_FOUND, MODEL_NOT_EXPORTED (a PyTorch checkpoint), MODEL_NOT_A_FILE,
 *   MODEL_EMPTY, MODEL_UNREADABLE, MODEL_NOT_ONNX (another known format, named)
 */
export async function checkModelFile(path: string): Promise<string> {
  return realpath(path).catch((error: unknown) => {
    const reason = systemCode(error) === "ENOENT" ? "there is no such file" : systemCode(error);
    throw new AiwError("MODEL_NOT_FOUND", `model ${path}: ${reason}`, { cause: error });
  });
}
