import { z } from "zod";
import { BENCH_SCHEMA, benchReportSchema } from "./report-schema.js";

const { environment, settings, frames, truth, latency_ms, parts, distribution } = benchReportSchema.shape;

/** Without a default: what a report does not say, a comparison of it does not say either. */
export const comparableEnvironment = environment
  .extend({ warnings: environment.shape.warnings.unwrap() })
  .partial();

/**
 * What a comparison reads of a bench's report. An aiw of another version may know fewer fields than ours, and
 * its report is taken as long as the ledger and the total latency are in it.
 */
export const comparableSchema = z.object({
  schema: z.literal(BENCH_SCHEMA),
  time: z.string(),
  environment: comparableEnvironment,
  settings: settings.partial(),
  frames: frames.partial({ sent: true, in_flight: true }),
  latency_ms: z.object({
    total: latency_ms.shape.total,
    inference: latency_ms.shape.inference.optional(),
  }),
  distribution: distribution.optional(),
  parts: parts.optional(),
  truth: truth.unwrap().pick({ precision: true, recall: true }).optional(),
  ended_early: z.string().optional(),
});

export type Comparable = z.infer<typeof comparableSchema>;

/**
 * Reads a report for a comparison.
 * @param text JSON
 * @returns the report, or what is wrong with it, to be read after its name: "is not JSON"
 */
export function readComparable(text: string): { readonly report: Comparable } | { readonly wrong: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { wrong: text.trim() === "" ? "is empty" : `is not JSON (it begins with ${beginning(text)})` };
  }
  const schema = schemaOf(json);
  if (schema !== BENCH_SCHEMA) return { wrong: otherSchema(schema) };
  const parsed = comparableSchema.safeParse(json);
  if (parsed.success) return { report: parsed.data };
  const [issue] = parsed.error.issues;
  return { wrong: `is no whole ${BENCH_SCHEMA} report: at ${issue?.path.join(".")}: ${issue?.message}` };
}

function schemaOf(json: unknown): unknown {
  return typeof json === "object" && json !== null && "schema" in json ? json.schema : undefined;
}

function otherSchema(schema: unknown): string {
  if (typeof schema !== "string") return `is JSON, but no report: it has no schema "${BENCH_SCHEMA}"`;
  if (schema.startsWith("aiw.bench/"))
    return `is of schema "${schema}", and this aiw reads "${BENCH_SCHEMA}"`;
  return `is of schema "${schema}", not "${BENCH_SCHEMA}"`;
}

function beginning(text: string): string {
  const shown = text.trim().slice(0, 20);
  return JSON.stringify(shown);
}
