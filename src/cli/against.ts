import type { Comparable } from "../bench/comparable.js";
import { comparePairs, exactFigures } from "../bench/comparison.js";
import { COMPARISON_SCHEMA, type ComparisonReport } from "../bench/comparison-schema.js";
import { differencesOf } from "../bench/differences.js";
import { planSlices, type SlicePlan } from "../bench/slice-plan.js";
import type { Settings } from "../config/settings.js";
import { systemClock } from "../core/clock.js";
import { plural } from "../core/plural.js";
import { comparisonTable } from "../reports/comparison-table.js";
import { refuseClashes } from "./against-clashes.js";
import { otherSide, ownSide, type SideCommand } from "./against-command.js";
import type { CommandContext } from "./command-context.js";
import { comparisonTargets, DEFAULT_MAX_REGRESSION, endComparison } from "./end-comparison.js";
import type { Flag, ParsedFlags } from "./flags.js";
import { type Interleaved, interleave, rehearse, type Sides } from "./interleave.js";
import { Machine } from "./machine.js";
import { withSliceConfigs } from "./slice-config.js";

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
  const given = { base: otherSide(text, flags, parsed, context.env), head: ownSide(flags, parsed) };
  const targets = comparisonTargets(flags, parsed);
  const { progress, interrupt } = context;
  // What the first start of all makes is made where its steps are seen.
  if (settings.worker === undefined) await new Machine(context, interrupt, settings).python();
  const { report, ended } = await withSliceConfigs(given, process.cwd(), (sides) =>
    compare(sides, settings, context),
  );
  progress.clear();
  progress.note(comparisonTable(report));
  return endComparison(report, targets, interrupt, ended);
}

/**
 * Tries both sides and runs the pairs.
 * @throws what ended it before there was one pair
 */
async function compare(
  sides: Sides<SideCommand>,
  { duration: durationUs, max_regression: limit = DEFAULT_MAX_REGRESSION }: Settings,
  context: CommandContext,
): Promise<{ report: ComparisonReport; ended: unknown }> {
  const { progress } = context;
  const beganUs = systemClock.nowUs();
  const rehearsal = await rehearse(sides, context);
  const { overheadUs } = rehearsal;
  const plan = planSlices({ durationUs, overheadUs, spentUs: systemClock.nowUs() - beganUs });
  progress.note(
    `comparing ${plural(plan.pairs, "pair")} of slices of ${(plan.sliceUs / 1e6).toFixed(1)} s, in turns: some ${Math.ceil(plan.expectedUs / 1e6)} s`,
  );
  const budgetFromUs = durationUs === undefined ? beganUs : undefined;
  const measured = await interleave(sides, { plan, limit, budgetFromUs, context });
  const report = reportOf(sides, { ...rehearsal, ...measured.first }, measured, { plan, limit });
  return { report, ended: measured.ended };
}

function reportOf(
  sides: Sides<SideCommand>,
  first: Sides<Comparable>,
  { pairs, ended }: Interleaved,
  { plan, limit }: { readonly plan: SlicePlan; readonly limit: number },
): ComparisonReport {
  const { figures, verdict, pairsNeeded } = comparePairs(pairs, limit, exactFigures(pairs));
  const { clashes, versions } = differencesOf(first.base, first.head);
  const side = (of: "base" | "head") => {
    const { time, environment, settings } = first[of];
    return { name: sides[of].name, time, environment, settings };
  };
  const isShort = ended === undefined && pairs.length < plan.pairs;
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
    warnings: isShort
      ? [`of ${plan.pairs} pairs there was time for ${pairs.length}: give a --duration to take longer`]
      : [],
    ...(ended === undefined ? {} : { ended_early: ended instanceof Error ? ended.message : String(ended) }),
  };
}
