import type { BenchReport } from "../bench/report-schema.js";
import { sum } from "../core/sum.js";
import { STAGES, type Stage } from "../results/stages.js";

/** What a stage is drawn with; told apart also without colour. */
export const STAGE_MARKS: Readonly<Record<Stage, string>> = {
  wait: "░",
  transport: "▒",
  queue: "╱",
  preprocess: "▓",
  inference: "█",
  postprocess: "╳",
};

/**
 * The stages' means as one bar of `width` marks, in the order in which they happen; "" where the worker does
 * not report them. The marks are shared out by largest remainder, so that all of them are given out.
 */
export function stageBar(latency: BenchReport["latency_ms"], width: number): string {
  if (latency.inference.count === 0) return "";
  const means = STAGES.map((stage) => Math.max(0, latency[stage].mean));
  const total = sum(means);
  if (total === 0) return "";
  const exact = means.map((mean) => (mean / total) * width);
  const marks = exact.map(Math.floor);
  const byRemainder = exact
    .map((value, i) => ({ i, rest: value - Math.floor(value) }))
    .sort((a, b) => b.rest - a.rest);
  const left = width - sum(marks);
  for (const { i } of byRemainder.slice(0, left)) marks[i] = (marks[i] ?? 0) + 1;
  return STAGES.map((stage, i) => STAGE_MARKS[stage].repeat(marks[i] ?? 0)).join("");
}
