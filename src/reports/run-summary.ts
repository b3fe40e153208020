import { printable } from "../core/printable.js";
import { plural } from "../core/plural.js";
import { droppedTotal, type LedgerCounts } from "../pipeline/ledger.js";
import type { AccuracySummary } from "../results/accuracy.js";
import type { Tally } from "../results/tally.js";
import { percent } from "./percent.js";

/** Classes that the summary names. */
const NAMED_CLASSES = 6;

/**
 * One line about a run, for people, and one more where it is known what was in the frames.
 * @param warnings what the worker says of the model, which stays with the figures
 */
export function runSummary(
  counts: LedgerCounts,
  tally: Tally,
  elapsedUs: number,
  warnings: readonly string[] = [],
): string {
  const { byClass } = tally.detections();
  const named = Object.entries(byClass);
  const classes = named.slice(0, NAMED_CLASSES).map(([name, n]) => `${name} ${n}`);
  if (named.length > NAMED_CLASSES) classes.push("…");
  const reasons = Object.entries(counts.dropped).map(([reason, n]) => `${reason} ${n}`);
  const why = reasons.length > 0 ? ` (${reasons.join(", ")})` : "";
  const [results, errors] = [plural(counts.results, "result"), plural(counts.errors, "error")];
  const latency = tally.latency.of("total").summary();
  const line = [
    `${plural(counts.offered, "frame")}: ${results}, ${errors}, ${droppedTotal(counts)} dropped${why}`,
    `${(counts.results / Math.max(elapsedUs / 1e6, 1e-6)).toFixed(1)} fps`,
    ...(latency.count > 0 ? [`p50 ${latency.p50.toFixed(1)} ms, p95 ${latency.p95.toFixed(1)} ms`] : []),
    classes.length > 0 ? classes.join(", ") : "no detections",
  ].join(" · ");
  const accuracy = tally.accuracy.summary();
  return [
    line,
    ...(accuracy === undefined ? [] : [truthLine(accuracy)]),
    ...warnings.map((warning) => `warning: ${printable(warning)}`),
  ].join("\n");
}

function truthLine({ precision, recall, meanIou, objects, found }: AccuracySummary): string {
  return [
    `truth: precision ${percent(precision)}`,
    `recall ${percent(recall)}`,
    `mean IoU ${meanIou === null ? "–" : meanIou.toFixed(2)}`,
    `${found} of ${plural(objects, "object")} found`,
  ].join(" · ");
}
