import type { BenchReport, RatesReport } from "../bench/report-schema.js";
import type { Settings } from "../config/settings.js";
import { checkWritable } from "../sinks/whole-file.js";
import { checkOutputs } from "./outputs.js";
import { refuseSamePlace } from "./same-place.js";
import { writeEach } from "./write-each.js";

type Report = BenchReport | RatesReport;

/** The reports that a flag of their name asks for. What makes one is loaded only where it is wanted. */
const REPORTS = {
  json: async (report: Report) => (await import("../reports/report-json.js")).reportJson(report),
  junit: async (report: Report) => {
    const { benchJunit } = await import("../reports/bench-junit.js");
    return benchJunit(isRates(report) ? report.runs : [report]);
  },
  markdown: async (report: Report) => {
    const { benchMarkdown, ratesMarkdown } = await import("../reports/bench-markdown.js");
    return isRates(report) ? ratesMarkdown(report) : benchMarkdown(report);
  },
  html: async (report: Report) => {
    if (isRates(report)) return (await import("../reports/rates-page.js")).ratesPage(report);
    return (await import("../reports/bench-page.js")).benchPage(report);
  },
} as const;

const KINDS = Object.keys(REPORTS) as (keyof typeof REPORTS)[];

/**
 * Checks where a bench's reports and detections go, long before there are any.
 * @throws USAGE when two of them have the same target; OUTPUT_FAILED
 */
export function checkBenchOutputs(settings: Settings): void {
  const { out = [] } = settings;
  const reports = KINDS.flatMap((kind) => {
    const target = settings[kind];
    return target === undefined ? [] : [{ name: `--${kind} ${target}`, target }];
  });
  const detections = out.map(({ kind, target }) => ({ name: `--out ${kind}:${target}`, target }));
  refuseSamePlace([...detections, ...reports]);
  for (const { target } of reports) checkWritable(target);
  checkOutputs(out);
}

/**
 * Writes the reports that were asked for. One that fails keeps none of the others from being written.
 * @throws OUTPUT_FAILED of the first that failed
 */
export async function writeReports(
  settings: Settings,
  report: Report,
  interrupt: AbortSignal,
): Promise<void> {
  const wanted = KINDS.flatMap((kind) => {
    const target = settings[kind];
    return target === undefined ? [] : [{ target, make: () => REPORTS[kind](report) }];
  });
  await writeEach(wanted, interrupt);
}

function isRates(report: Report): report is RatesReport {
  return "runs" in report;
}
