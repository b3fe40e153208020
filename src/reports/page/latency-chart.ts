import { line } from "d3-shape";
import type { BenchReport } from "../../bench/report-schema.js";
import { latencyAxis, timeAxis } from "./axis.js";
import { chart, curve, dots, type Key, pointedAt, series } from "./chart.js";
import { latencyLevels } from "./levels.js";
import type { Markup } from "./markup.js";
import { endOf, type Sample, samplesOf, spanOf } from "./samples.js";
import { milliseconds } from "./words.js";

/** By nearest rank the p95 of fewer results than this is their maximum. */
const TELLS_P95 = 20;

/** Total latency of each slice of the run. */
export function latencyChart({ timeline, latency_ms: { total }, gates }: BenchReport): Markup {
  const { interval_s: intervalS, results, latency_ms: perSlice } = timeline;
  const { p50, p95, max } = perSlice.total;
  const rows = samplesOf(timeline);
  const all = rows.flat();
  const at = (values: readonly (number | null)[], { index }: Sample) => values[index] ?? 0;
  const levels = latencyLevels(gates, ["total"]);
  const x = timeAxis(endOf(timeline));
  const lowest = Math.min(...all.map((sample) => at(p50, sample)));
  const highest = Math.max(...all.map((sample) => at(max, sample)));
  const y = latencyAxis(
    { lowest, p95: total.p95, highest },
    levels.map(({ value }) => value),
  );
  const lineOf = (values: readonly (number | null)[]) => {
    const path = line<Sample>(
      ({ middleS }) => x.at(middleS),
      (sample) => y.at(at(values, sample)),
    ).digits(1);
    return rows.map((row) => path(row) ?? "").join("");
  };
  const tells = results.some((n) => n >= TELLS_P95);
  const perSliceMean = total.count / Math.max(1, all.length);
  return chart({
    title: "Latency",
    note: `Total of each slice of ${intervalS} s, by when a frame was due; ${perSliceMean.toFixed(1)} results a slice on average${tells ? "" : `, and of fewer than ${TELLS_P95} the p95 is the maximum`}.`,
    summary: `Latency over time. Of the whole run: p50 ${milliseconds(total.p50)}, p95 ${milliseconds(total.p95)}, maximum ${milliseconds(total.max)}.`,
    height: 260,
    x,
    y,
    keys: [
      { series: "p50", stroke: "solid", label: "p50" } satisfies Key,
      ...(tells ? [{ series: "p95", stroke: "dashed", label: "p95" } satisfies Key] : []),
      { series: "max", stroke: "dots", label: tells ? "maximum" : "p95 and maximum" },
    ],
    layers: [
      series("max", curve(dots(all.map((one) => [x.at(one.middleS), y.at(at(max, one))])), "dots")),
      ...(tells ? [series("p95", curve(lineOf(p95), "dashed"))] : []),
      series("p50", curve(lineOf(p50), "solid")),
      pointedAt(
        all.map((sample) => ({
          from: x.at(sample.fromS),
          to: x.at(sample.toS),
          lines: [
            spanOf(sample.index, intervalS),
            `${results[sample.index] ?? 0} of ${timeline.offered[sample.index] ?? 0} frames`,
            `p50 ${milliseconds(p50[sample.index])}`,
            ...(tells ? [`p95 ${milliseconds(p95[sample.index])}`] : []),
            `max ${milliseconds(max[sample.index])}`,
          ],
        })),
      ),
    ],
    levels,
  });
}
