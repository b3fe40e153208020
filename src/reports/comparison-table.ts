import Table from "cli-table3";
import type { ComparisonReport, FigureName, JudgedFigure } from "../bench/comparison-schema.js";
import { plural } from "../core/plural.js";
import { fit, wrapped } from "./columns.js";
import { percent } from "./percent.js";

/** Differences that are named. */
const MOST_DIFFERENCES = 12;

const LABELS: Readonly<Record<FigureName, string>> = {
  "total.p2": "total p2",
  "inference.p2": "inference p2",
  "total.p50": "total p50",
  "total.p95": "total p95",
  lost: "no result",
  recall: "recall",
  precision: "precision",
};

/** A figure's name for people. */
export function figureLabel(name: FigureName): string {
  return LABELS[name];
}

/** A comparison as a table for a terminal, at most 80 columns, without colour. */
export function comparisonTable(report: ComparisonReport): string {
  const head = comparisonHead(report);
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, i) => (isLeft(i) ? "left" : "right")),
    style: { head: [], border: [], compact: true },
  });
  for (const judged of report.figures) table.push([...comparisonRow(judged)]);
  const { base, head: ours, warnings, differences, ended_early: early } = report;
  const rest = differences.length - MOST_DIFFERENCES;
  return [
    fit(`base        ${base.name}`),
    fit(`head        ${ours.name}`),
    ...differences
      .slice(0, MOST_DIFFERENCES)
      .map(({ what, base: before, head: after }) => fit(`differs     ${what}: ${before} -> ${after}`)),
    ...(rest > 0 ? [`differs     in ${rest} more`] : []),
    ...(report.figures.length === 0 ? [] : [table.toString()]),
    ...wrapped(`${" ".repeat(12)}${legend(report)}`),
    ...warnings.flatMap((warning) => wrapped(`warning     ${warning}`)),
    ...(early === undefined ? [] : [fit(`ended early ${early}`)]),
    fit(`verdict     ${report.verdict}`),
  ].join("\n");
}

export function comparisonHead({ pairs, slice_s: sliceS }: ComparisonReport): readonly string[] {
  const what = sliceS === null ? "whole runs" : plural(pairs.length, "pair");
  return [what, "base", "head", "change", "noise band", "verdict"];
}

/** Whether a column is of words. */
export function isLeft(column: number): boolean {
  return column === 0 || column === 5;
}

/** One figure: label, base, head, change, band, verdict. */
export function comparisonRow(judged: JudgedFigure): readonly string[] {
  const { figure, base, head, value, low, high, verdict, confidence, decides } = judged;
  const unit = figure.includes(".") ? ", ms" : judged.change === "difference" ? ", points" : "";
  const band =
    confidence === 1
      ? "exact"
      : low === null || high === null
        ? "–"
        : `${change(judged, low)} … ${change(judged, high)}`;
  return [
    `${LABELS[figure]}${unit}${decides ? " *" : ""}`,
    shown(figure, base),
    shown(figure, head),
    value === null ? "–" : change(judged, value),
    band,
    verdict,
  ];
}

/** What the columns are. */
export function legend({
  max_regression: limit,
  method,
  slice_s: sliceS,
  figures,
}: ComparisonReport): string {
  const banded = figures.filter(({ low, confidence }) => low !== null && confidence < 1);
  const least = Math.min(...banded.map(({ confidence }) => confidence));
  const turns = method === "interleaved" ? "in turns" : "of each report";
  return [
    sliceS === null ? "head / base" : `head / base, median of slices of ${sliceS.toFixed(1)} s ${turns}`,
    ...(banded.length === 0 ? [] : [`bands hold the true median at ${(least * 100).toFixed(1)} % or more`]),
    `limit ${Number((limit * 100).toFixed(2))} %`,
    "* decides",
  ].join("; ");
}

function shown(figure: FigureName, value: number | null): string {
  if (value === null) return "–";
  return figure.includes(".") ? value.toFixed(2) : percent(value);
}

function change({ change: kind }: JudgedFigure, value: number): string {
  if (kind === "ratio") return value.toFixed(3);
  const points = value * 100;
  return `${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(1)}`;
}
