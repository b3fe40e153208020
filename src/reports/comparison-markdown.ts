import type { ComparisonReport } from "../bench/comparison-schema.js";
import { comparisonHead, comparisonRow, legend } from "./comparison-table.js";

/** A comparison as Markdown (GitHub's), for a job summary or a comment. */
export function comparisonMarkdown(report: ComparisonReport): string {
  const { verdict, base, head, differences, warnings, figures, ended_early: early } = report;
  const lines = [
    `### aiw comparison: ${verdict}`,
    "",
    `- base: ${code(base.name)}`,
    `- head: ${code(head.name)}`,
    ...differences.map(({ what, base: a, head: b }) => `- differs: ${what}: ${code(a)} → ${code(b)}`),
    "",
    ...(figures.length === 0
      ? []
      : [row(comparisonHead(report)), row(["---", "---:", "---:", "---:", "---:", "---"])]),
    ...figures.map((judged) => row(comparisonRow(judged))),
    "",
    text(legend(report)),
    ...warnings.flatMap((warning) => ["", `> ${text(warning)}`]),
    ...(early === undefined ? [] : ["", `> ended early: ${text(early)}`]),
  ];
  return `${lines.join("\n")}\n`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => text(cell).replaceAll("|", "\\|")).join(" | ")} |`;
}

/** What others wrote (a command line) shows as it is. */
function code(value: string): string {
  const longest = Math.max(0, ...(value.match(/`+/g) ?? []).map((ticks) => ticks.length));
  const fence = "`".repeat(longest + 1);
  const pad = value.startsWith("`") || value.endsWith("`") ? " " : "";
  return `${fence}${pad}${value.replace(/\s+/g, " ")}${pad}${fence}`;
}

function text(value: string): string {
  return value.replace(/[*_<>[\]\\`]/g, "\\$&");
}
