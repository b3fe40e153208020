import { stack } from "d3-shape";
import type { BenchReport, Timeline } from "../../bench/report-schema.js";
import { sum } from "../../core/sum.js";
import { counting, timeAxis } from "./axis.js";
import { chart, curve, pointedAt, series } from "./chart.js";
import { seriesOf } from "./colours.js";
import type { Markup } from "./markup.js";
import { endOf, spanOf } from "./samples.js";
import { spoken } from "./words.js";

/** Room between the bars of two slices, of a slice. */
const BETWEEN = 0.15;

/** What was lost in each slice: dropped frames by reason, and errors. Undefined when nothing was. */
export function dropsChart({ timeline, frames }: BenchReport): Markup | undefined {
  const { interval_s: intervalS, offered } = timeline;
  const lost = lostBy(timeline);
  const reasons = [...lost.keys()];
  const sums = offered.map((_, i) => sum(reasons.map((reason) => lost.get(reason)?.[i] ?? 0)));
  const highest = Math.max(0, ...sums);
  if (highest === 0) return undefined;
  const x = timeAxis(endOf(timeline));
  const y = counting("frames a slice", highest);
  const left = (index: number) => x.at(index * intervalS);
  const bars = stack<unknown, number, string>()
    .keys(reasons)
    .value((index, reason) => lost.get(reason)?.[index] ?? 0)(offered.keys());
  const count = (reason: string) => sum(lost.get(reason) ?? []);
  return chart({
    title: "Dropped frames and errors",
    note: "On the same axis, by when a frame was due.",
    summary: `Lost frames over time, of ${frames.offered}: ${reasons.map((reason) => `${count(reason)} ${spoken(reason)}`).join(", ")}.`,
    height: 120,
    x,
    y,
    keys: reasons.map((reason) => ({
      series: seriesOf(reason),
      stroke: "area",
      label: `${spoken(reason)} ${count(reason)}`,
    })),
    layers: [
      ...bars.map((bar) => {
        const paths = bar.map(([low, high], index) => {
          const width = (left(index + 1) - left(index)) * (1 - BETWEEN);
          return high === low ? "" : box(left(index), y.at(high), width, y.at(low) - y.at(high));
        });
        return series(seriesOf(bar.key), curve(paths.join(""), "area"));
      }),
      pointedAt(
        [...sums.entries()]
          .filter(([, sum]) => sum > 0)
          .map(([index]) => ({
            from: left(index),
            to: left(index + 1),
            lines: [
              `${spanOf(index, intervalS)}: ${offered[index] ?? 0} frames`,
              ...reasons
                .filter((reason) => (lost.get(reason)?.[index] ?? 0) > 0)
                .map((reason) => `${spoken(reason)} ${lost.get(reason)?.[index] ?? 0}`),
            ],
          })),
      ),
    ],
  });
}

/** Errors and reasons of drops that there are, each with its count in every slice. */
function lostBy({ errors, dropped }: Timeline): Map<string, readonly number[]> {
  const all = [["errors", errors] as const, ...Object.entries(dropped)];
  return new Map(all.filter(([, counts]) => counts.some((n) => n > 0)));
}

function box(x: number, y: number, width: number, height: number): string {
  const [left, top, across, down] = [x, y, width, height].map((value) => Math.round(value * 10) / 10);
  return `M${left},${top}h${across}v${down}h-${across}z`;
}
