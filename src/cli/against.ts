import type { Comparable } from "../bench/comparable.js";
import { comparePairs, exactFigures } from "../bench/comparison.js";
import { figuresOf } from "../bench/comparison-figures.js";
import { COMPARISON_SCHEMA, type ComparisonReport, type Pair } from "../bench/comparison-schema.js";
import { differencesOf } from "../bench/differences.js";
import { planSlices, type SlicePlan } from "../bench/slice-plan.js";
import type { Settings } from "../config/settings.js";
import { systemClock } from "../core/clock.js";
import { plural } from "../core/plural.js";
import { comparisonTable } from "../reports/comparison-table.js";
import { refuseClashes } from "./against-clashes.js";
import { otherSide, ownSide, type SideCommand } from "./against-command.js";
import type { CommandContext } from "./command-context.js";
import { checkTargets, DEFAULT_MAX_REGRESSION, endComparison } from "./end-comparison.js";
import type { Flag, ParsedFlags } from "./flags.js";
import { Machine } from "./machine.js";
import { runSlice } from "./slice.js";

/** Long enough for a worker to settle, as a bench waits for that itself. */
const SLICE_WARMUP_US = 500_000;
/** The two sides of a comparison: base is the other command line, head our own. */
interface Sides<T> {
  readonly base: T;
  readonly head: T;
}

/**
 * `aiw bench --against COMMAND`: slices of both sides in turns (A B, B A, …), each a process of its own, and
 * a verdict on the ratios of the pairs.
 * @param text of --against
 * @throws USAGE, SLICE_FAILED; after the report REGRESSION, COMPARISON_INSUFFICIENT, the interruption
 */
export async function benchAgainst(
  text: string,
  flags: readonly Flag[],
  parsed: ParsedFlags,
  settings: Settings,
  context: CommandContext,
): Promise<number> {
  refuseClashes(parsed, settings);
  const sides = { base: otherSide(text, flags, parsed, context.env), head: ownSide(flags, parsed) };
  checkTargets(settings);
  const { progress, interrupt } = context;
  const startUs = systemClock.nowUs();
  // What the first start of all makes is made where its steps are seen.
  if (settings.worker === undefined) await new Machine(context, interrupt).python();
  const rehearsed = await rehearse(sides, context);
  const warmUpUs = settings.warmup ?? SLICE_WARMUP_US;
  const plan = planSlices({
    durationUs: settings.duration,
    overheadUs: rehearsed.startUs + warmUpUs,
    spentUs: systemClock.nowUs() - startUs,
  });
  progress.note(
    `comparing ${plural(plan.pairs, "pair")} of slices of ${(plan.sliceUs / 1e6).toFixed(1)} s, in turns: some ${Math.ceil(plan.expectedUs / 1e6)} s`,
  );
  const limit = settings.max_regression ?? DEFAULT_MAX_REGRESSION;
  const pairs: Pair[] = [];
  const firsts: { base?: Comparable; head?: Comparable } = {};
  let ended: unknown;
  try {
    for (let i = 0; i < plan.pairs; i++) {
      const so = soFar(pairs, limit);
      pairs.push(await runPair(i, sides, { plan, warmUpUs, firsts, context, so }));
    }
  } catch (error) {
    if (pairs.length === 0) throw error;
    ended = error;
  }
  progress.clear();
  const report = reportOf(
    sides,
    { base: firsts.base ?? rehearsed.base, head: firsts.head ?? rehearsed.head },
    pairs,
    {
      plan,
      limit,
      ended,
    },
  );
  progress.note(comparisonTable(report));
  return endComparison(report, settings, ended);
}

/** One bench of one frame of each: what is wrong with a side shows before minutes have gone by. */
async function rehearse(
  sides: Sides<SideCommand>,
  { env, interrupt, progress }: CommandContext,
): Promise<Sides<Comparable> & { readonly startUs: number }> {
  const args = ["--frames=1", "--warmup=0s"];
  const once = (side: "base" | "head") => {
    progress.step(`trying ${side}: ${sides[side].name}`);
    return runSlice(sides[side], { side, env, signal: interrupt, args, measuredUs: 0 });
  };
  const base = await once("base");
  const startUs = systemClock.nowUs();
  const head = await once("head");
  // Of the second: what the first one reads from the disk is in memory then.
  return { base, head, startUs: systemClock.nowUs() - startUs };
}

interface PairOptions {
  readonly plan: SlicePlan;
  readonly warmUpUs: number;
  /** The first report of each side, filled in here. */
  readonly firsts: { base?: Comparable; head?: Comparable };
  readonly context: CommandContext;
  readonly so: string;
}

/** Two slices next to each other; the side that comes second in one pair comes first in the next. */
async function runPair(index: number, sides: Sides<SideCommand>, options: PairOptions): Promise<Pair> {
  const { plan, warmUpUs, firsts, context, so } = options;
  const { env, interrupt, progress } = context;
  const slice = async (side: "base" | "head") => {
    progress.step(`pair ${index + 1} of ${plan.pairs}, ${side}${so}`);
    const command = sides[side];
    // Its own warm-up, where its command line gives one.
    const hasWarmUp = command.args.some((word) => /^--warmup(=|$)/.test(word));
    const args = [`--duration=${plan.sliceUs / 1e6}s`, ...(hasWarmUp ? [] : [`--warmup=${warmUpUs / 1e6}s`])];
    const report = await runSlice(command, { side, env, signal: interrupt, args, measuredUs: plan.sliceUs });
    firsts[side] ??= report;
    return figuresOf(report);
  };
  if (index % 2 === 0) {
    const base = await slice("base");
    return { first: "base", base, head: await slice("head") };
  }
  const head = await slice("head");
  return { first: "head", head, base: await slice("base") };
}

/** The ratio so far, for the line that shows what goes on. */
function soFar(pairs: readonly Pair[], limit: number): string {
  const decisive = comparePairs(pairs, limit).figures.find(({ decides }) => decides);
  if (decisive === undefined) return "";
  return ` · ${decisive.figure} ${(decisive.value ?? Number.NaN).toFixed(3)} times base so far`;
}

function reportOf(
  sides: Sides<SideCommand>,
  first: Sides<Comparable>,
  pairs: readonly Pair[],
  { plan, limit, ended }: { readonly plan: SlicePlan; readonly limit: number; readonly ended: unknown },
): ComparisonReport {
  const { figures, verdict, pairsNeeded } = comparePairs(pairs, limit, exactFigures(pairs));
  const { clashes, versions } = differencesOf(first.base, first.head);
  const side = (of: "base" | "head") => {
    const { time, environment, settings } = first[of];
    return { name: sides[of].name, time, environment, settings };
  };
  return {
    schema: COMPARISON_SCHEMA,
    time: new Date(systemClock.wallMs()).toISOString(),
    method: "interleaved",
    max_regression: limit,
    slice_s: plan.sliceUs / 1e6,
    base: side("base"),
    head: side("head"),
    differences: [...clashes, ...versions],
    pairs,
    figures,
    verdict,
    pairs_needed: pairsNeeded,
    warnings: [],
    ...(ended === undefined ? {} : { ended_early: ended instanceof Error ? ended.message : String(ended) }),
  };
}
