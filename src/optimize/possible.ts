import { AiwError, lacksMemory } from "../core/errors.js";
import type { Size } from "../frame/pixel-format.js";
import type { GraphMaker } from "./graph-maker.js";

/** What can be tried with a model at all. */
export interface Possible {
  /** Input sizes beside its own. */
  readonly sizes: readonly string[];
  /** What keeps it from being quantised, or null. */
  readonly notQuantisable: string | null;
  /** What is not tried, and why. */
  readonly leftOut: readonly string[];
}

/**
 * Looks what a model's graph can be made into.
 * @param filled the input that frames would fill, where that is smaller than the model's own
 * @throws AiwError for anything but a graph that can't be had: an interruption, too little memory
 */
export async function possible(
  maker: Pick<GraphMaker, "prepared">,
  filled: Size | undefined,
  own: Size,
): Promise<Possible> {
  const [sizes, leftOut]: [string[], string[]] = [[], []];
  if (filled !== undefined) {
    const name = `${filled.width}x${filled.height}`;
    await maker.prepared(name).then(() => sizes.push(name), refusal);
    if (sizes.length === 0) {
      leftOut.push(
        `${name} was not tried: the graph is made for ${own.width}x${own.height} alone (export it with dynamic=True)`,
      );
    }
  }
  const notQuantisable = await maker.prepared(sizes[0]).then(({ why }) => why, refusal);
  if (notQuantisable !== null) leftOut.push(`int8 was not tried: ${notQuantisable}`);
  return { sizes, notQuantisable, leftOut };
}

/** What the worker has against the model; anything else that went wrong is thrown on. */
function refusal(error: unknown): string {
  if (error instanceof AiwError && error.code === "WORKER_REFUSED" && !lacksMemory(error))
    return error.message;
  throw error;
}
