import { plural } from "../core/plural.js";

/** What runs a model. */
export type EngineName = "onnxruntime" | "openvino";

/** Which operators compute in 8 bits: the convolutions, or all that can. Which is faster depends on the engine. */
export type Operators = "conv" | "all";

/**
 * What of an 8-bit graph stays in float, from the least to the most: what turns the last convolutions'
 * output into boxes and scores; those convolutions too; most of the detection head.
 */
export const KEPT_FLOAT = ["decode", "outputs", "head"] as const;
export type KeptFloat = (typeof KEPT_FLOAT)[number];

/** fp32: not quantised by aiw, which is the model in whatever precision it has. */
export type Precision = "fp32" | { readonly operators: Operators; readonly keptFloat: KeptFloat };

/** One way to run a model. */
export interface Candidate {
  readonly engine: EngineName;
  readonly precision: Precision;
  /** The input size that the graph is rewritten to ("640x480"); undefined = the one it has. */
  readonly size: string | undefined;
  /** Threads of one inference; undefined = as many as the process may use. */
  readonly threads: number | undefined;
}

/** What tells it from others, also as a part of a file's name. */
export function candidateKey({ engine, precision, size, threads }: Candidate): string {
  return [
    precisionKey(precision),
    size ?? "own",
    engine,
    ...(threads === undefined ? [] : [`${threads}t`]),
  ].join("-");
}

/** The graph alone, whatever runs it. */
export function graphKey({ precision, size }: Pick<Candidate, "precision" | "size">): string {
  return `${precisionKey(precision)}-${size ?? "own"}`;
}

function precisionKey(precision: Precision): string {
  if (precision === "fp32") return "fp32";
  return `int8-${precision.operators}-${precision.keptFloat}`;
}

/**
 * "int8 convolutions, head float", for people. What is not quantised is "unchanged", and not fp32: the model may
 * be in 8 or 16 bits by itself.
 */
export function precisionWords(precision: Precision): string {
  if (precision === "fp32") return "unchanged";
  const what = precision.operators === "conv" ? "convolutions" : "all operators";
  const kept = { decode: "", outputs: ", outputs float", head: ", head float" }[precision.keptFloat];
  return `int8 ${what}${kept}`;
}

/** "int8 convolutions on openvino at 640x480", for people. */
export function candidateWords({ engine, precision, size, threads }: Candidate): string {
  return [
    `${precisionWords(precision)} on ${engine}`,
    ...(size === undefined ? [] : [`at ${size}`]),
    ...(threads === undefined ? [] : [`with ${plural(threads, "thread")}`]),
  ].join(" ");
}

/** The same in 8 bits with more of the graph in float; undefined where there is no more to keep. */
export function moreFloat(candidate: Candidate): Candidate | undefined {
  const { precision } = candidate;
  if (precision === "fp32") return undefined;
  const next = KEPT_FLOAT[KEPT_FLOAT.indexOf(precision.keptFloat) + 1];
  return next && { ...candidate, precision: { ...precision, keptFloat: next } };
}

/** How much a candidate is changed; of two that are as fast, the less changed one is preferred. */
export function changes({ engine, precision, size }: Candidate): number {
  const bits = precision === "fp32" ? 0 : precision.operators === "conv" ? 4 : 8;
  return bits + (size === undefined ? 0 : 2) + (engine === "onnxruntime" ? 0 : 1);
}

/** What there is to try. */
export interface Choices {
  readonly engines: readonly EngineName[];
  /** Input sizes beside the model's own, the one to prefer first. */
  readonly sizes: readonly string[];
  /** What keeps the model from being quantised, or null. */
  readonly notQuantisable: string | null;
  /** Threads that were asked for; undefined = as many as the process may use. */
  readonly threads: number | undefined;
}

/** The model as it is on every engine, at every size. */
export function floats({ engines, sizes, threads }: Choices): Candidate[] {
  return engines.flatMap((engine) =>
    [undefined, ...sizes].map((size) => ({ engine, precision: "fp32" as const, size, threads })),
  );
}

/** In 8 bits on every engine at one size, with as little as can be in float; none where that is not possible. */
export function integers(
  { engines, notQuantisable, threads }: Choices,
  size: string | undefined,
): Candidate[] {
  if (notQuantisable !== null) return [];
  return engines.flatMap((engine) =>
    (["conv", "all"] as const).map((operators) => ({
      ...{ engine, size, threads },
      precision: { operators, keptFloat: "decode" as const },
    })),
  );
}
