import type { BenchReport } from "../bench/report-schema.js";
import {
  detectionsTable,
  environmentFacts,
  gatesTable,
  latencyTable,
  ledgerTable,
  resourcesTable,
  settingsFacts,
  stabilityTable,
  truthTable,
} from "./page/bench-tables.js";
import { distributionChart } from "./page/distribution-chart.js";
import { page } from "./page/document.js";
import { dropsChart } from "./page/drops-chart.js";
import { latencyChart } from "./page/latency-chart.js";
import { markup, type Markup, NOTHING, type Part } from "./page/markup.js";
import { stagesChart } from "./page/stages-chart.js";
import { section } from "./page/table.js";
import { tiles, verdictHead } from "./page/verdict.js";

/**
 * A bench report as one page of HTML that needs nothing else: neither a network nor a script. It is drawn in
 * SVG; values show where it is pointed at.
 */
export function benchPage(report: BenchReport): string {
  const { environment, settings, verdict, gates, truth, detections } = report;
  const rate = settings.fps === null ? "" : ` at ${settings.fps} fps`;
  return page(
    `${verdict}: aiw bench ${environment.model}${rate}`,
    verdictHead(report),
    tiles(report),
    gates.length === 0 ? NOTHING : section("Gates", gatesTable(gates)),
    section("Over time", overTime(report)),
    report.frames.results === 0 ? NOTHING : section("Distribution", distributionChart(report)),
    section("Latency by stage", latencyTable(report)),
    truth === undefined ? NOTHING : section("Truth", truthTable(truth)),
    pair(
      section("Frames", ledgerTable(report)),
      detections.total === 0 ? NOTHING : section("Detections", detectionsTable(report)),
      section("Resources", resourcesTable(report)),
      section("Stability", stabilityTable(report)),
      section("Environment", environmentFacts(report)),
      section("Settings", settingsFacts(report)),
    ),
  );
}

function overTime(report: BenchReport): Part[] {
  const { timeline, frames, latency_ms: latency } = report;
  if (timeline.offered.length === 0) return [markup`<p>Nothing was measured.</p>\n`];
  const losses = dropsChart(report);
  if (frames.results === 0) return [markup`<p>No frame gave a result.</p>\n`, losses ?? NOTHING];
  return [
    latencyChart(report),
    losses ?? markup`<p class="note">No frame was dropped and none failed.</p>\n`,
    latency.inference.count > 0
      ? stagesChart(report)
      : markup`<p class="note">The worker does not report its stages.</p>\n`,
  ];
}

function pair(...sections: readonly Markup[]): Markup {
  return markup`<div class="pair">\n${sections}</div>\n`;
}
