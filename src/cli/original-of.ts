import { basename } from "node:path";
import { AiwError } from "../core/errors.js";
import type { Provenance } from "../optimize/provenance.js";
import { checkModelFile } from "../worker-process/model-file.js";

/**
 * The model that an optimised one was made of, to be optimised anew.
 * @param made what is known of that
 * @throws ORIGINAL_GONE where it is not there any more, or can't be told; MODEL_… as checkModelFile
 */
export async function originalOf(
  optimized: string,
  made: { readonly provenance: Provenance } | { readonly problem: string },
): Promise<string> {
  if ("problem" in made) {
    const why = `${made.problem}: what ${basename(optimized)} was made from can't be told`;
    throw new AiwError("ORIGINAL_GONE", why);
  }
  const { source } = made.provenance;
  try {
    return await checkModelFile(source.path);
  } catch (cause) {
    if (!(cause instanceof AiwError) || cause.code !== "MODEL_NOT_FOUND") throw cause;
    const why = `${basename(optimized)} was made from ${source.path}, which is not there any more`;
    throw new AiwError("ORIGINAL_GONE", why, { cause });
  }
}
