import type { ComparisonReport } from "../bench/comparison-schema.js";
import { comparisonHead, comparisonRow, isLeft, legend } from "./comparison-table.js";
import { escapeMarkdown, markdownTable } from "./markdown.js";

/** A comparison as GitHub-flavoured Markdown, fit for the summary of a CI job. */
export function comparisonMarkdown(report: ComparisonReport): string {
  const { verdict, base, head, differences, warnings, figures, ended_early: early } = report;
  const columns = comparisonHead(report).map((name, i) => [name, isLeft(i) ? "left" : "right"] as const);
  const rows = figures.map((judged) => comparisonRow(judged).map(escapeMarkdown));
  const sections = [
    `### aiw comparison: ${verdict}`,
    [
      `- base: ${escapeMarkdown(base.name)}`,
      `- head: ${escapeMarkdown(head.name)}`,
      ...differences.map(
        ({ what, base: a, head: b }) => `- differs: ${what}: ${escapeMarkdown(a)} → ${escapeMarkdown(b)}`,
      ),
    ].join("\n"),
    ...(early === undefined ? [] : [`**Ended early:** ${escapeMarkdown(early)}`]),
    ...(figures.length === 0 ? [] : [markdownTable(columns, rows)]),
    escapeMarkdown(legend(report)),
    ...warnings.map((warning) => `> ${escapeMarkdown(warning)}`),
  ];
  return `${sections.join("\n\n")}\n`;
}
