import { isShape, KNOWN_SHAPES, shapeName, type ShapeName } from "../core/shapes.js";
import { AiwError } from "../core/errors.js";
import { cachedShape } from "../worker-process/build-shape.js";
import { checkModelFile } from "../worker-process/model-file.js";
import type { CommandContext } from "./command-context.js";
import type { Machine } from "./machine.js";

/**
 * The real path of a model's file. One that is named by its shape is built into the cache, once.
 * @throws MODEL_… as checkModelFile; USAGE for an unknown shape; PYTHON_…, ENV_… and as cachedShape
 */
export async function modelPath(
  model: string,
  machine: Machine,
  context: CommandContext,
  signal: AbortSignal,
): Promise<string> {
  if (!isShape(model)) return checkModelFile(model);
  const shape = requireShape(model);
  const { python, kind } = await machine.python();
  const { workerDir, cacheDir } = machine;
  const { env, debug, progress } = context;
  const options = { shape, python, kind, workerDir, cacheDir, env, debug, signal };
  return checkModelFile(await cachedShape(options, () => progress.step(`building ${model}, once`)));
}

/** @throws USAGE for what names no shape that is known */
export function requireShape(model: string): ShapeName {
  const shape = shapeName(model);
  if (shape === undefined)
    throw new AiwError("USAGE", `"${model}" names no shape that aiw can build; known are ${KNOWN_SHAPES}`);
  return shape;
}
