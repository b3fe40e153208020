import { line } from "d3-shape";
import { gateName } from "../../bench/gate-name.js";
import type { BenchReport, RatesReport } from "../../bench/report-schema.js";
import { type Axis, fromZero, latencyAxis, rateAxis, SPAN } from "./axis.js";
import { chart, curve, dots, type Key, type Level, percent, pointedAtNearest, series } from "./chart.js";
import { latencyLevels } from "./levels.js";
import { markup, type Markup } from "./markup.js";
import { fixed, milliseconds } from "./words.js";

const PERCENTILES = [
  { name: "p50", stroke: "solid" },
  { name: "p95", stroke: "dashed" },
  { name: "p99", stroke: "dotted" },
] as const;

/** Latency and drops against the rate, one upon the other on the same axis. */
export function ratesCharts({ runs, max_fps: max }: RatesReport): Markup {
  const rates = runs.map(rateOf);
  const x = rateAxis(Math.min(...rates), Math.max(...rates));
  const marks = max === null || max === undefined ? [] : [found(max, x)];
  const answered = runs.filter(({ frames }) => frames.results > 0);
  const shared = { runs, x, marks };
  const latency =
    answered.length === 0
      ? markup`<p>No frame gave a result.</p>\n`
      : latencies({ ...shared, runs: answered });
  return markup`${latency}${losses(shared)}`;
}

export function rateOf({ settings, fps }: BenchReport): number {
  return settings.fps ?? fps.offered;
}

interface Shared {
  readonly runs: readonly BenchReport[];
  readonly x: Axis;
  readonly marks: readonly Markup[];
}

function latencies({ runs, x, marks }: Shared): Markup {
  const totals = runs.map(({ latency_ms: { total } }) => total);
  const levels = openLevels(latencyLevels(runs[0]?.gates ?? [], ["total"]));
  const all = (of: "p50" | "p95" | "p99") => totals.map((total) => total[of]);
  const y = latencyAxis(
    { lowest: Math.min(...all("p50")), p95: Math.min(...all("p95")), highest: Math.max(...all("p99")) },
    levels.map(({ value }) => value),
  );
  return chart({
    title: "Latency",
    summary: `Total latency against the rate: ${runs.map((run) => `p95 ${milliseconds(run.latency_ms.total.p95)} at ${rateOf(run)} fps`).join(", ")}.`,
    height: 260,
    x,
    y,
    keys: PERCENTILES.map(({ name, stroke }): Key => ({ series: name, stroke, label: name })),
    layers: [
      ...PERCENTILES.map(({ name, stroke }) =>
        points(
          name,
          stroke,
          runs.map((run) => [x.at(rateOf(run)), y.at(run.latency_ms.total[name])]),
        ),
      ),
      pointedAtNearest(
        runs.map((run) => x.at(rateOf(run))),
        (i) => [
          `${fixed(runs[i] && rateOf(runs[i]), 2)} fps`,
          ...PERCENTILES.map(({ name }) => `${name} ${milliseconds(totals[i]?.[name])}`),
        ],
      ),
    ],
    marks,
    levels,
  });
}

function losses({ runs, x, marks }: Shared): Markup {
  const gates = runs[0]?.gates.filter(({ gate }) => gateName(gate) === "drops") ?? [];
  const levels = gates.map(({ gate, limit }): Level => ({ text: gate, value: limit * 100, verdict: "open" }));
  const drops = runs.map(({ drop_rate: share }) => share * 100);
  const y = fromZero("% of the frames offered", Math.max(5, ...drops));
  return chart({
    title: "Dropped frames",
    note: "On the same axis.",
    summary: `Dropped frames against the rate: ${runs.map((run, i) => `${fixed(drops[i], 1)} % at ${rateOf(run)} fps`).join(", ")}.`,
    height: 140,
    x,
    y,
    keys: [],
    layers: [
      points(
        "latest_wins",
        "solid",
        runs.map((run, i) => [x.at(rateOf(run)), y.at(drops[i] ?? 0)]),
      ),
      pointedAtNearest(
        runs.map((run) => x.at(rateOf(run))),
        (i) => [
          `${fixed(runs[i] && rateOf(runs[i]), 2)} fps`,
          `${fixed(drops[i], 1)} % dropped`,
          `${fixed(runs[i]?.fps.achieved, 2)} fps achieved`,
        ],
      ),
    ],
    marks,
    levels,
  });
}

function openLevels(levels: readonly Level[]): Level[] {
  return levels.map((level) => ({ ...level, verdict: "open" }));
}

/** A line with a dot at each rate that was measured. */
function points(
  name: "p50" | "p95" | "p99" | "latest_wins",
  stroke: Key["stroke"],
  at: readonly (readonly [x: number, y: number])[],
): Markup {
  const path = line<readonly [number, number]>().digits(1)([...at] as [number, number][]) ?? "";
  return series(name, curve(path, stroke), curve(dots(at), "dots"));
}

/** The highest rate that passes. */
function found(fps: number, x: Axis): Markup {
  const at = percent(x.at(fps));
  const [anchor, aside] = x.at(fps) > SPAN * 0.7 ? ["end", -6] : ["start", 6];
  return markup`<g class="pass"><line class="level" x1="${at}" x2="${at}" y2="100%" stroke="currentColor"/><text class="pass halo" x="${at}" dx="${aside}" dy="12" text-anchor="${anchor}">${String(fps)} fps passes</text></g>`;
}
