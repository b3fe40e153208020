import type { Comparable } from "../bench/comparable.js";
import { comparePairs } from "../bench/comparison.js";
import { figuresOf } from "../bench/comparison-figures.js";
import type { Pair } from "../bench/comparison-schema.js";
import { mayTakeAnother, type SlicePlan } from "../bench/slice-plan.js";
import { systemClock } from "../core/clock.js";
import type { SideCommand } from "./against-command.js";
import type { CommandContext } from "./command-context.js";
import { runSlice } from "./slice.js";

/**
 * A slice has no warm-up where its command line gives none: what decides is the least disturbed of its frames,
 * which none of the first ones is, and the time is better spent on more slices.
 */
const SLICE_WARMUP = "--warmup=0s";

/** The two sides of a comparison: base is the other command line, head our own. */
export interface Sides<T> {
  readonly base: T;
  readonly head: T;
}

export interface Rehearsal extends Sides<Comparable> {
  /** What a slice takes beside its measuring. */
  readonly overheadUs: number;
}

/** One bench of one frame of each: what is wrong with a side shows before minutes have gone by. */
export async function rehearse(
  sides: Sides<SideCommand>,
  { env, interrupt, progress }: CommandContext,
): Promise<Rehearsal> {
  const once = async (side: "base" | "head") => {
    progress.step(`trying ${side}: ${sides[side].name}`);
    const args = ["--frames=1", ...warmUpOf(sides[side])];
    const startUs = systemClock.nowUs();
    const report = await runSlice(sides[side], { side, env, signal: interrupt, args, measuredUs: 0 });
    return { report, tookUs: systemClock.nowUs() - startUs };
  };
  const [base, head] = [await once("base"), await once("head")];
  // What is read from the disk, and what else the machine does, only ever add to it.
  return { base: base.report, head: head.report, overheadUs: Math.min(base.tookUs, head.tookUs) };
}

export interface Interleaved {
  readonly pairs: readonly Pair[];
  /** The first report of each side. */
  readonly first: Partial<Sides<Comparable>>;
  /** Why there are fewer pairs than planned, where that is an error or an interruption. */
  readonly ended: unknown;
}

export interface InterleaveOptions {
  readonly plan: SlicePlan;
  readonly limit: number;
  /** When the comparison began, on the clock's scale, where it has to keep within its budget. */
  readonly budgetFromUs: number | undefined;
  readonly context: CommandContext;
}

/**
 * Runs the pairs: base, head, head, base, …; the side that comes second in one pair comes first in the next.
 * @throws what ended it before there was one pair
 */
export async function interleave(
  sides: Sides<SideCommand>,
  { plan, limit, budgetFromUs, context }: InterleaveOptions,
): Promise<Interleaved> {
  const { env, interrupt, progress } = context;
  const pairs: Pair[] = [];
  const first: { base?: Comparable; head?: Comparable } = {};
  const beganUs = systemClock.nowUs();
  const slice = async (side: "base" | "head", said: string) => {
    progress.step(`pair ${pairs.length + 1} of ${plan.pairs}, ${side}${said}`);
    const command = sides[side];
    const args = [`--duration=${plan.sliceUs / 1e6}s`, ...warmUpOf(command)];
    const report = await runSlice(command, { side, env, signal: interrupt, args, measuredUs: plan.sliceUs });
    first[side] ??= report;
    return figuresOf(report);
  };
  const next = async (said: string): Promise<Pair> => {
    if (pairs.length % 2 === 0) {
      const base = await slice("base", said);
      return { first: "base", base, head: await slice("head", said) };
    }
    const head = await slice("head", said);
    return { first: "head", head, base: await slice("base", said) };
  };
  let ended: unknown;
  try {
    while (pairs.length < plan.pairs) {
      const nowUs = systemClock.nowUs();
      const pairUs = (nowUs - beganUs) / Math.max(1, pairs.length);
      if (budgetFromUs !== undefined && !mayTakeAnother(pairs.length, nowUs - budgetFromUs, pairUs)) break;
      pairs.push(await next(soFar(pairs, limit)));
    }
  } catch (error) {
    if (pairs.length === 0) throw error;
    ended = error;
  }
  return { pairs, first, ended };
}

/** The ratio so far, for the line that shows what goes on. */
function soFar(pairs: readonly Pair[], limit: number): string {
  const decisive = comparePairs(pairs, limit).figures.find(({ decides }) => decides);
  if (decisive === undefined) return "";
  return ` · ${decisive.figure} ${(decisive.value ?? Number.NaN).toFixed(3)} times base so far`;
}

/** The warm-up of a slice, where its command line gives none. */
function warmUpOf({ args }: SideCommand): string[] {
  return args.some((word) => /^--warmup(=|$)/.test(word)) ? [] : [SLICE_WARMUP];
}
