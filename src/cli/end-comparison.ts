import type { ComparisonReport, JudgedFigure } from "../bench/comparison-schema.js";
import { worsening } from "../bench/comparison.js";
import { plural } from "../core/plural.js";
import { resolveSettings, type Settings } from "../config/settings.js";
import { AiwError, ExitCode } from "../core/errors.js";
import { comparisonMarkdown } from "../reports/comparison-markdown.js";
import { figureLabel } from "../reports/comparison-table.js";
import { reportJson } from "../reports/report-json.js";
import { checkWritable } from "../sinks/whole-file.js";
import type { Flag, ParsedFlags } from "./flags.js";
import { refuseSamePlace } from "./same-place.js";
import { flagLayer } from "./settings.js";
import { writeEach } from "./write-each.js";

export const DEFAULT_MAX_REGRESSION = 0.05;

/** More than these nobody waits for. */
const AFFORDABLE_PAIRS = 100;

/** Where a comparison is written: paths, or "-" for stdout. */
export type ComparisonTargets = Pick<Settings, "json" | "markdown">;

/**
 * Where a comparison goes, by flags only: a configuration file says where the reports of benches are, and
 * those it may be made of. Checked long before there is one.
 * @param inputs paths of the reports that it is made of
 * @throws USAGE when two reports have the same target, or that of an input; OUTPUT_FAILED
 */
export function comparisonTargets(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  inputs: readonly string[] = [],
): ComparisonTargets {
  const targets: ComparisonTargets = resolveSettings([flagLayer(flags, parsed)], ["json", "markdown"]);
  const reports = Object.entries(targets).map(([kind, target]) => ({ name: `--${kind} ${target}`, target }));
  refuseSamePlace(reports, inputs);
  for (const { target } of reports) checkWritable(target);
  return targets;
}

/**
 * Writes a comparison to where it was asked for, and ends the command with its verdict.
 * @param ended why it has fewer pairs than planned
 * @throws it; REGRESSION, COMPARISON_INSUFFICIENT
 */
export async function endComparison(
  report: ComparisonReport,
  { json, markdown }: ComparisonTargets,
  interrupt: AbortSignal,
  ended?: unknown,
): Promise<number> {
  await writeEach(
    [
      ...(json === undefined ? [] : [{ target: json, make: () => reportJson(report) }]),
      ...(markdown === undefined ? [] : [{ target: markdown, make: () => comparisonMarkdown(report) }]),
    ],
    interrupt,
  );
  if (ended !== undefined) throw ended;
  if (report.verdict === "regress") throw new AiwError("REGRESSION", regression(report));
  if (report.verdict === "insufficient") throw new AiwError("COMPARISON_INSUFFICIENT", whyUnclear(report));
  return ExitCode.ok;
}

function regression({ figures, max_regression: limit }: ComparisonReport): string {
  const said = figures
    .filter(({ verdict }) => verdict === "regress")
    .map((judged) => {
      const { figure, value } = judged;
      const by = value === null ? 0 : worsening(figure, value);
      return `${figureLabel(figure)} is worse by ${amount(judged, by)}`;
    });
  return `${said.join("; ")}; the limit is ${shown(limit)} %`;
}

function amount({ change }: JudgedFigure, by: number): string {
  return change === "difference" ? `${shown(by)} points` : `${shown(by)} %`;
}

function whyUnclear({
  figures,
  pairs,
  pairs_needed: needed,
  slice_s: sliceS,
  method,
}: ComparisonReport): string {
  const decisive = figures.find(({ decides }) => decides);
  if (decisive === undefined) return "no latency is known of both sides";
  // Where what decides is decided, it is another that looks worse.
  const unclear = [decisive, ...figures].find(({ verdict }) => verdict === "unclear") ?? decisive;
  const what = `whether ${figureLabel(unclear.figure)} is the same or worse cannot be told`;
  if (sliceS === null) return `${what}: the reports have no parts to take a noise band from`;
  const them = `${what} of ${plural(pairs.length, "pair")} of slices`;
  if (method === "stored" || needed === null) return `${them}; aiw bench --against can measure more`;
  if (needed > AFFORDABLE_PAIRS) return `${them}: the machine is too noisy, some ${needed} would be needed`;
  return `${them}; some ${needed} would do: --duration ${Math.ceil(2 * needed * sliceS)}s, or a quieter machine`;
}

function shown(share: number): string {
  return String(Math.round(share * 1000) / 10);
}
