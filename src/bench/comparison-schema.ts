import { z } from "zod";
import { comparableEnvironment } from "./comparable.js";
import { benchReportSchema, type DeepReadonly } from "./report-schema.js";

export const COMPARISON_SCHEMA = "aiw.comparison/1";

/** Figures that are compared, in the order in which they are shown. */
export const FIGURES = [
  "total.p2",
  "inference.p2",
  "total.p50",
  "total.p95",
  "lost",
  "recall",
  "precision",
] as const;
export type FigureName = (typeof FIGURES)[number];

const count = z.int().nonnegative();
const { settings } = benchReportSchema.shape;

const side = z.object({
  name: z.string().describe("the command line, or the file"),
  time: z.string().describe("when its first slice began, ISO 8601"),
  environment: comparableEnvironment,
  settings: settings.partial().describe("of one slice"),
});

const figures = z
  .partialRecord(z.enum(FIGURES), z.number())
  .describe("milliseconds and fractions; absent what is not known");

const judged = z.object({
  figure: z.enum(FIGURES),
  change: z
    .enum(["ratio", "difference"])
    .describe("head / base, or head - base for the share of frames without a result"),
  decides: z.boolean().describe("whether there is no verdict without it"),
  base: z.number().nullable().describe("median of the slices; of stored reports that of the whole run"),
  head: z.number().nullable(),
  value: z.number().nullable().describe("median of the pairs' changes"),
  low: z.number().nullable().describe("lower end of the noise band of it; null with too few pairs"),
  high: z.number().nullable(),
  confidence: z.number().describe("that the true median is in the band"),
  pairs: count.describe("that have the figure on both sides"),
  verdict: z.enum(["regress", "same", "better", "unclear"]),
});

/** A comparison of two builds or configurations, of `aiw bench --against` and `aiw compare`. */
export const comparisonSchema = z.object({
  schema: z.literal(COMPARISON_SCHEMA),
  time: z.string(),
  method: z
    .enum(["interleaved", "stored"])
    .describe("slices of both in turns in one job, or slices of two reports one after the other"),
  max_regression: z.number().describe("as a fraction"),
  slice_s: z.number().nullable().describe("length of a slice; null where the reports have none"),
  base: side,
  head: side,
  differences: z
    .array(z.object({ what: z.string(), base: z.string(), head: z.string() }))
    .describe("between the two sides' machines, versions and settings"),
  pairs: z.array(
    z.object({
      first: z.enum(["base", "head"]).describe("which was run first"),
      base: figures,
      head: figures,
    }),
  ),
  figures: z.array(judged),
  verdict: z.enum(["regress", "same", "better", "insufficient"]),
  pairs_needed: count
    .nullable()
    .describe("some number that would settle it; null when it is settled or unknown"),
  warnings: z.array(z.string()),
  ended_early: z.string().optional().describe("why there are fewer pairs than planned"),
});

export type ComparisonReport = DeepReadonly<z.infer<typeof comparisonSchema>>;
export type JudgedFigure = ComparisonReport["figures"][number];
export type Pair = ComparisonReport["pairs"][number];
export type SliceFigures = Pair["base"];
export type Difference = ComparisonReport["differences"][number];
