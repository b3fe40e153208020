import { readFile } from "node:fs/promises";
import { type Comparable, readComparable } from "../bench/comparable.js";
import { comparePairs } from "../bench/comparison.js";
import { figuresOf, pairsOfStored } from "../bench/comparison-figures.js";
import {
  COMPARISON_SCHEMA,
  type ComparisonReport,
  type Difference,
  type Pair,
  type SliceFigures,
} from "../bench/comparison-schema.js";
import { differencesOf } from "../bench/differences.js";
import { systemClock } from "../core/clock.js";
import { AiwError, systemCode } from "../core/errors.js";
import { comparisonTable } from "../reports/comparison-table.js";
import type { CommandContext } from "./command-context.js";
import { comparisonTargets, DEFAULT_MAX_REGRESSION, endComparison } from "./end-comparison.js";
import type { Flag, ParsedFlags } from "./flags.js";
import { commandSettings } from "./settings.js";

/** Reports that began further apart than this are not of one job, milliseconds. */
const ONE_JOB_MS = 3_600_000;
/** What every comparison of stored reports has to say. */
const DRIFT =
  "the noise bands are of slices within each run; what the machine did between the runs is not in them (aiw bench --against has it)";

/**
 * `aiw compare BASE.json HEAD.json`: one stored report against another.
 * @throws REPORT_INVALID, NOT_COMPARABLE; after the report REGRESSION, COMPARISON_INSUFFICIENT
 */
export async function execute(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  context: CommandContext,
  operands: readonly string[],
): Promise<number> {
  const settings = await commandSettings(flags, parsed, context.env);
  const [basePath = "", headPath = ""] = operands;
  const targets = comparisonTargets(flags, parsed, [basePath, headPath]);
  const base = await readReport(basePath);
  const head = await readReport(headPath);
  const { clashes, versions } = differencesOf(base, head);
  if (clashes.length > 0 && parsed.allowDifferences !== true) {
    throw new AiwError("NOT_COMPARABLE", `${basePath} and ${headPath} differ in ${listed(clashes)}`);
  }
  const limit = settings.max_regression ?? DEFAULT_MAX_REGRESSION;
  const stored = pairsOfStored(base, head);
  const { figures, verdict, pairsNeeded } = judge(base, head, {
    pairs: stored?.pairs,
    limit,
    isSameLoad: clashes.length === 0,
  });
  const side = (name: string, { time, environment, settings: asked }: Comparable) => {
    return { name, time, environment, settings: asked };
  };
  const report: ComparisonReport = {
    schema: COMPARISON_SCHEMA,
    time: new Date(systemClock.wallMs()).toISOString(),
    method: "stored",
    max_regression: limit,
    slice_s: stored?.sliceS ?? null,
    base: side(basePath, base),
    head: side(headPath, head),
    differences: [...clashes, ...versions],
    pairs: stored?.pairs ?? [],
    figures,
    verdict,
    pairs_needed: pairsNeeded,
    warnings: [...apart(base, head), ...(stored === undefined ? [] : [DRIFT])],
  };
  context.progress.note(comparisonTable(report));
  return endComparison(report, targets, context.interrupt);
}

/**
 * Latencies by the parts of the runs; what was found by the whole runs, without noise where both have seen
 * the same frames. Reports without parts are one pair, and so have no noise band. What is shown of each side
 * is of its whole run.
 */
function judge(
  base: Comparable,
  head: Comparable,
  options: { readonly pairs: Pair[] | undefined; readonly limit: number; readonly isSameLoad: boolean },
) {
  const { limit, isSameLoad } = options;
  const whole = { first: "base" as const, base: figuresOf(base), head: figuresOf(head) };
  const found = ({ recall, precision }: SliceFigures) => ({
    ...(recall === undefined ? {} : { recall }),
    ...(precision === undefined ? {} : { precision }),
  });
  const isExact =
    isSameLoad && base.frames.offered === head.frames.offered && lostNone(whole.base, whole.head);
  const { figures, ...rest } = comparePairs(
    options.pairs ?? [whole],
    limit,
    gaveNothing(whole.head) && !gaveNothing(whole.base)
      ? // Needs no noise band.
        { base: { lost: whole.base.lost ?? 0 }, head: { lost: 1 }, isExact: true }
      : { base: found(whole.base), head: found(whole.head), isExact },
  );
  const shown = figures.map((judged) => ({
    ...judged,
    base: whole.base[judged.figure] ?? judged.base,
    head: whole.head[judged.figure] ?? judged.head,
  }));
  return { figures: shown, ...rest };
}

function gaveNothing({ lost }: SliceFigures): boolean {
  return lost === 1;
}

function lostNone(...sides: readonly SliceFigures[]): boolean {
  return sides.every(({ lost }) => lost === 0);
}

/** @throws REPORT_INVALID */
async function readReport(path: string): Promise<Comparable> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    const code = systemCode(error);
    const why = code === "ENOENT" ? "is not there" : `cannot be read (${code})`;
    throw new AiwError("REPORT_INVALID", `${path} ${why}`, { cause: error });
  });
  const read = readComparable(text);
  if ("report" in read) return read.report;
  throw new AiwError("REPORT_INVALID", `${path} ${read.wrong}`);
}

function listed(differences: readonly Difference[]): string {
  return differences.map(({ what, base, head }) => `${what} (${base}, ${head})`).join(", ");
}

function apart(base: Comparable, head: Comparable): string[] {
  const ms = Math.abs(Date.parse(base.time) - Date.parse(head.time));
  if (!(ms > ONE_JOB_MS)) return [];
  const hours = ms / 3_600_000;
  const long = hours < 48 ? `${hours.toFixed(0)} hours` : `${(hours / 24).toFixed(0)} days`;
  return [
    `the reports were begun ${long} apart: the machine may have changed in between by more than the limit`,
  ];
}
