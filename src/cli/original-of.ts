import { basename } from "node:path";
import { AiwError } from "../core/errors.js";
import type { Provenance } from "../optimize/provenance.js";
import { checkModelFile } from "../worker-process/model-file.js";

/**
 * The model that an optimised one was made of, to be optimised anew.
 * @throws ORIGINAL_GONE where it is not there any more; MODEL_… as checkModelFile
 */
export async function originalOf(optimized: string, { source }: Provenance): Promise<string> {
  try {
    return await checkModelFile(source.path);
  } catch (cause) {
    if (!(cause instanceof AiwError) || cause.code !== "MODEL_NOT_FOUND") throw cause;
    const why = `${basename(optimized)} was made from ${source.path}, which is not there any more`;
    throw new AiwError("ORIGINAL_GONE", why, { cause });
  }
}
