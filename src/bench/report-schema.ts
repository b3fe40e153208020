import { z } from "zod";

export const BENCH_SCHEMA = "aiw.bench/1";

const count = z.int().nonnegative();
const share = z.number().min(0).max(1);
const ms = z.number();

const summary = z.object({
  count,
  mean: ms,
  p50: ms,
  p90: ms,
  p95: ms,
  p99: ms,
  max: ms,
});

/** `of` for the total and for each stage. */
function everyLatency<Total extends z.ZodType, Of extends z.ZodType>(total: Total, of: Of) {
  return z.object({
    total,
    wait: of,
    transport: of,
    queue: of,
    preprocess: of,
    inference: of,
    postprocess: of,
  });
}

const environment = z
  .object({
    aiw: z.string(),
    cpu: z.string(),
    cores: count,
    memory_mb: count,
    os: z.string(),
    node: z.string(),
    worker: z.string().describe("version of the worker"),
    runtime: z.string().describe("of the inference, with its version"),
    model: z.string().describe("file name"),
    model_id: z.string().describe("SHA-256 of the model file, hex"),
    family: z.string(),
    input_shape: z.array(z.number()).describe("NCHW"),
    engine: z.string(),
    provider: z.string(),
    threads: count.nullable(),
    warnings: z.array(z.string()).default([]).describe("what is to be known of the model and how it runs"),
  })
  .describe("what it ran on");

const settings = z
  .object({
    source: z.string(),
    fps: z.number().nullable().describe("offered rate; null for a live source at its own"),
    duration_s: z.number(),
    max_duration_s: z.number().optional().describe("where the run may go on for its gates"),
    warmup_s: z.number(),
    require_stable: z.literal(true).optional().describe("whether stability is a gate as well"),
    size: z.string(),
    pixel_format: z
      .string()
      .describe("what frames were sent as; an earlier aiw says auto, which was asked for"),
    conf: share,
    iou: share,
    classes: z.array(z.string()),
    worker: z.string().nullable().describe("HOST:PORT; null for one of its own"),
  })
  .describe("what was asked for");

const truthFigures = {
  precision: share.nullable(),
  recall: share.nullable(),
  mean_iou: share.nullable(),
  objects: count.describe("to find"),
  found: count,
  false_positives: count,
  ignored: count.describe("mostly hidden or tiny objects, which count neither way"),
};

const truth = z
  .object({
    ...truthFigures,
    frames: count.describe("that were judged: those with a result"),
    by_class: z.record(z.string(), z.object(truthFigures)),
  })
  .describe(
    "detections against what was really in the frames; absent where the source does not know; a ratio of nothing to nothing is null",
  );

const resources = z
  .object({
    client_rss_mb: z.number(),
    worker_rss_mb: z.number().nullable(),
    client_cpu_ms_per_frame: z.number(),
    worker_cpu_ms_per_frame: z.number().nullable(),
    source_cpu_ms_per_frame: z.number().nullable(),
  })
  .describe("megabytes of 10^6 bytes, CPU milliseconds a frame; null where it is not known");

const stability = z
  .object({
    verdict: z.enum(["stable", "unstable", "not judged"]),
    windows: z
      .array(z.object({ p95: ms, fps: z.number(), results: count }))
      .describe("each third of the run: p95 of the total, results a second"),
  })
  .describe("stable when p95 and rate of the thirds are within 10 %");

const gate = z.object({
  gate: z.string().describe("as it was written"),
  value: z.number().nullable().describe("as measured, in the report's unit; null when there is none"),
  limit: z.number(),
  verdict: z.enum(["pass", "fail", "insufficient"]),
  samples: count.describe("what the figure was taken over"),
  needed: count.describe("samples that a judgement needs"),
});

const perSlice = z.array(count);
const msPerSlice = z.array(ms.nullable());
const meanPerSlice = z.object({ mean: msPerSlice });

const timeline = z
  .object({
    interval_s: z.number().describe("length of a slice"),
    offered: perSlice,
    results: perSlice,
    errors: perSlice,
    dropped: z.record(z.string(), perSlice).describe("by reason"),
    latency_ms: everyLatency(
      z.object({ mean: msPerSlice, p50: msPerSlice, p95: msPerSlice, max: msPerSlice }),
      meanPerSlice,
    ),
  })
  .describe("the run in slices of equal length; a frame is in that in which it was due");

const parts = z
  .object({
    length_s: z.number().describe("of a part"),
    offered: perSlice,
    lost: perSlice.describe("offered frames without a result, but for those in flight"),
    latency_ms: z.object({
      total: z.object({ p2: msPerSlice, p50: msPerSlice, p95: msPerSlice }),
      inference: z.object({ p2: msPerSlice }),
    }),
  })
  .describe(
    "the run in at most 16 parts of equal length, with the percentiles that aiw compare needs of each",
  );

const distribution = z
  .object({
    percentiles: z.array(z.number()),
    latency_ms: everyLatency(z.array(ms), z.array(ms)).describe(
      "at each of the percentiles; empty for what was not reported",
    ),
  })
  .describe("how the latencies are distributed");

/**
 * The report of a bench: milliseconds, megabytes of 10^6 bytes, fractions. It is the one definition of it:
 * the types, the JSON Schema in the package and the check of stored reports follow from it.
 */
export const benchReportSchema = z.object({
  schema: z.literal(BENCH_SCHEMA),
  time: z.string().describe("when it began, ISO 8601"),
  environment,
  settings,
  warmup: z.object({ duration_s: z.number(), results: count, settled: z.boolean() }),
  duration_s: z.number().describe("from the first due time to the end of the last frame's period"),
  frames: z
    .object({
      offered: count,
      sent: count,
      results: count,
      errors: count,
      in_flight: count,
      dropped: z.record(z.string(), count).describe("by reason"),
    })
    .describe("offered = results + errors + in_flight + the sum of dropped"),
  drop_rate: share.describe("dropped / offered"),
  fps: z.object({ offered: z.number(), achieved: z.number() }),
  latency_ms: everyLatency(summary, summary).describe(
    "of the frames with a result; the stages of a frame add up to its total; count 0 for what was not reported",
  ),
  distribution,
  timeline,
  parts,
  detections: z.object({ total: count, by_class: z.record(z.string(), count) }),
  truth: truth.optional(),
  resources,
  stable: z.boolean(),
  stability,
  gates: z.array(gate),
  verdict: z
    .enum(["pass", "fail", "insufficient"])
    .describe(
      "fail also when nothing came back or the run failed; insufficient when a gate could not be judged",
    ),
  ended_early: z.string().optional().describe("why the run ended early; absent when it ran to its end"),
});

/** A report is read, never changed. */
export type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

export type BenchReport = DeepReadonly<z.infer<typeof benchReportSchema>>;
export type Environment = BenchReport["environment"];
export type BenchSettings = BenchReport["settings"];
export type Resources = BenchReport["resources"];
export type Stability = BenchReport["stability"];
export type JudgedGate = BenchReport["gates"][number];
export type Timeline = BenchReport["timeline"];
export type Parts = BenchReport["parts"];
export type Distribution = BenchReport["distribution"];
export type TruthReport = NonNullable<BenchReport["truth"]>;
export type TruthFigures = TruthReport["by_class"][string];

export const RATES_SCHEMA = "aiw.rates/1";

/** The same bench at several rates, of `--sweep` and `--find-max`. */
export const ratesReportSchema = z.object({
  schema: z.literal(RATES_SCHEMA),
  time: z.string(),
  max_fps: z.number().nullable().optional().describe("highest rate that passes; null when none does"),
  failed_fps: z
    .number()
    .nullable()
    .optional()
    .describe("lowest rate above it that does not pass; null when there was none"),
  unfinished: z.literal(true).optional().describe("the search did not come to its end"),
  runs: z.array(benchReportSchema).describe("by rate, the lowest first"),
});

export type RatesReport = DeepReadonly<z.infer<typeof ratesReportSchema>>;
