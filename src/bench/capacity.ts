/** The search ends when the rate that fails is at most this much above the one that passes. */
const RESOLUTION = 0.05;
/** Rates that are tried at the most, in all. */
const MOST_PROBES = 14;

export interface CapacityLimits {
  /** Where the search begins. */
  readonly start: number;
  readonly least: number;
  readonly most: number;
}

export interface Capacity {
  /** Highest rate that passed; undefined when none did. */
  readonly passed: number | undefined;
  /** Lowest rate above it that did not; undefined when the highest rate there is passed. */
  readonly failed: number | undefined;
}

/**
 * The highest rate that passes: doubled (or halved) from the start until it is between a rate that passes
 * and one that does not, then by bisection until these are within 5 %. Rests on what holds of a queue: a
 * rate above one that fails fails too.
 *
 * @param passes measures at a rate, frames a second
 */
export async function findCapacity(
  { start, least, most }: CapacityLimits,
  passes: (fps: number) => Promise<boolean>,
): Promise<Capacity> {
  let passed: number | undefined;
  let failed: number | undefined;
  let fps = Math.min(most, Math.max(least, start));
  for (let probe = 0; probe < MOST_PROBES; probe++) {
    if (await passes(fps)) passed = fps;
    else failed = fps;
    const next = nextRate(passed, failed, { least, most });
    if (next === undefined) break;
    fps = next;
  }
  return { passed, failed };
}

function nextRate(
  passed: number | undefined,
  failed: number | undefined,
  { least, most }: Pick<CapacityLimits, "least" | "most">,
): number | undefined {
  if (passed === undefined) {
    return failed === undefined || failed <= least ? undefined : Math.max(least, failed / 2);
  }
  if (failed === undefined) return passed >= most ? undefined : Math.min(most, passed * 2);
  if (failed <= passed * (1 + RESOLUTION)) return undefined;
  const middle = readable((passed + failed) / 2);
  return middle > passed && middle < failed ? middle : undefined;
}

/** Three figures say all that such a search can know. */
function readable(fps: number): number {
  return Number(fps.toPrecision(3));
}
