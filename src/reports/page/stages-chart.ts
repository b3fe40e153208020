import { area, curveStepAfter, type SeriesPoint, stack } from "d3-shape";
import type { BenchReport } from "../../bench/report-schema.js";
import { STAGES, type Stage } from "../../results/stages.js";
import { fromZero, timeAxis } from "./axis.js";
import { chart, curve, pointedAt, series } from "./chart.js";
import type { Markup } from "./markup.js";
import { endOf, type Sample, samplesOf, spanOf } from "./samples.js";
import { milliseconds } from "./words.js";

interface Step {
  readonly sample: Sample;
  readonly atS: number;
}

/** Where the time of a frame goes in each slice: means of the stages, one upon the other. */
export function stagesChart({ timeline, latency_ms: latency }: BenchReport): Markup {
  const { interval_s: intervalS, latency_ms: perSlice } = timeline;
  const mean = ({ index }: Sample, stage: Stage) => Math.max(0, perSlice[stage].mean[index] ?? 0);
  const rows = samplesOf(timeline);
  const all = rows.flat();
  const sum = (sample: Sample) => STAGES.reduce((total, stage) => total + mean(sample, stage), 0);
  const x = timeAxis(endOf(timeline));
  const y = fromZero("ms, from 0", Math.max(0, ...all.map(sum)));
  const shape = area<SeriesPoint<Step>>(
    ({ data }) => x.at(data.atS),
    ([low]) => y.at(low),
    ([, high]) => y.at(high),
  )
    .curve(curveStepAfter)
    .digits(1);
  const stacks = rows.map((row) =>
    stack<Step, Stage>()
      .keys(STAGES)
      .value(({ sample }, stage) => mean(sample, stage))(stepsOf(row)),
  );
  return chart({
    title: "Stages",
    note: "Mean of each slice, in the order in which they happen; they add up to the total.",
    summary: `Stages over time. Means of the whole run: ${STAGES.map((stage) => `${stage} ${milliseconds(latency[stage].mean)}`).join(", ")}.`,
    height: 220,
    x,
    y,
    keys: STAGES.map((stage) => ({ series: stage, stroke: "area", label: stage })),
    layers: [
      ...STAGES.map((stage, i) => {
        const path = stacks.map((one) => shape(one[i] ?? []) ?? "").join("");
        return series(stage, curve(path, "area"));
      }),
      pointedAt(
        all.map((sample) => ({
          from: x.at(sample.fromS),
          to: x.at(sample.toS),
          lines: [
            `${spanOf(sample.index, intervalS)}: ${milliseconds(sum(sample))}`,
            ...STAGES.map((stage) => `${stage} ${milliseconds(perSlice[stage].mean[sample.index])}`),
          ],
        })),
      ),
    ],
  });
}

/** Each sample holds until the next one begins; the last to its own end. */
function stepsOf(row: readonly Sample[]): Step[] {
  const last = row.at(-1);
  const steps = row.map((sample) => ({ sample, atS: sample.fromS }));
  return last === undefined ? steps : [...steps, { sample: last, atS: last.toS }];
}
