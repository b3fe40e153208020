import type { ComparisonReport } from "../bench/comparison-schema.js";
import type { BenchReport, RatesReport } from "../bench/report-schema.js";

/** A report as JSON for a file: indented, with each list of plain values on one line. */
export function reportJson(report: BenchReport | RatesReport | ComparisonReport): string {
  const indented = JSON.stringify(report, null, 2);
  // Strings in it hold no line breaks of their own: JSON escapes them.
  const onOneLine = indented.replace(/\[\n\s+(?:[^[\]{}\n]+\n\s+)*?\]/g, (list) =>
    list.replace(/\n\s+/g, " ").replace("[ ", "[").replace(/ \]$/, "]"),
  );
  return `${onOneLine}\n`;
}
