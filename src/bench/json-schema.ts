import { z } from "zod";
import { comparisonSchema } from "./comparison-schema.js";
import { benchReportSchema, ratesReportSchema } from "./report-schema.js";

/** The published JSON Schemas (draft 2020-12) by the name of their file: what others may check reports with. */
export const JSON_SCHEMAS: Readonly<Record<string, object>> = {
  "aiw.bench-1.schema.json": jsonSchema(benchReportSchema, "Report of aiw bench"),
  "aiw.rates-1.schema.json": jsonSchema(ratesReportSchema, "Report of aiw bench --sweep and --find-max"),
  "aiw.comparison-1.schema.json": jsonSchema(
    comparisonSchema,
    "Report of aiw bench --against and aiw compare",
  ),
};

/** As of its input: a report of a later version may have more in it. */
function jsonSchema(schema: z.ZodType, title: string): object {
  return { title, ...z.toJSONSchema(schema, { io: "input" }) };
}
