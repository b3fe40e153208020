import { line } from "d3-shape";
import type { BenchReport } from "../../bench/report-schema.js";
import { plural } from "../../core/plural.js";
import { type Axis, latencyAxis, percentileAxis } from "./axis.js";
import { chart, curve, type Key, percent, pointedAtNearest, series } from "./chart.js";
import { type LatencyLevel, latencyLevels } from "./levels.js";
import { markup, type Markup, NOTHING } from "./markup.js";
import { milliseconds } from "./words.js";

/** How the latencies are distributed: of the total, and of the inference where it is known. */
export function distributionChart({ distribution, latency_ms: latency, gates }: BenchReport): Markup {
  const { percentiles, latency_ms: values } = distribution;
  const { count, p95, max, p50 } = latency.total;
  const x = percentileAxis(count);
  const shown = values.inference.length > 0 ? (["total", "inference"] as const) : (["total"] as const);
  const levels = latencyLevels(gates, shown);
  const lowest = Math.min(...shown.map((name) => values[name][0] ?? 0));
  const y = latencyAxis(
    { lowest, p95, highest: max },
    levels.map(({ value }) => value),
  );
  const reached = percentiles.flatMap((one, i) =>
    one === 100 || 100 / (100 - one) <= Math.max(10, count) ? [{ percent: one, i }] : [],
  );
  const lineOf = (of: readonly number[]) =>
    line<(typeof reached)[number]>(
      (one) => x.at(one.percent),
      ({ i }) => y.at(of[i] ?? 0),
    ).digits(1)(reached) ?? "";
  const keys: Key[] = [
    { series: "total", stroke: "solid", label: "total" },
    ...(shown.length > 1
      ? [{ series: "inference", stroke: "dashed", label: "inference" } satisfies Key]
      : []),
  ];
  return chart({
    title: "Latency by percentile",
    note: `${plural(count, "result")}; at a percentile lies the latency that so many percent of them kept within. A ring is where a gate looks.`,
    summary: `Latency at each percentile of ${count} results: p50 ${milliseconds(p50)}, p95 ${milliseconds(p95)}, maximum ${milliseconds(max)}.`,
    height: 280,
    x,
    y,
    keys,
    layers: [
      ...keys.map(({ series: name, stroke }) =>
        series(name, curve(lineOf(name === "total" ? values.total : values.inference), stroke)),
      ),
      pointedAtNearest(
        reached.map((one) => x.at(one.percent)),
        (n) => {
          const one = reached[n];
          return [
            one?.percent === 100 ? "maximum" : `p${one?.percent ?? ""}`,
            ...shown.map((name) => `${name} ${milliseconds(values[name][one?.i ?? 0])}`),
          ];
        },
      ),
    ],
    marks: levels.map((level) => mark(level, x, y)),
    levels,
  });
}

/** Where a gate looks at the curve. */
function mark({ percent: at, value, verdict }: LatencyLevel, x: Axis, y: Axis): Markup {
  if (at === undefined || value > y.domain[1]) return NOTHING;
  return markup`<circle class="${verdict} level" cx="${percent(x.at(at))}" cy="${percent(y.at(value))}" r="4.5" fill="none" stroke="currentColor"/>`;
}
