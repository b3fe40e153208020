import type { Gate, GateOperator } from "../core/gate.js";
import type { AccuracySummary } from "../results/accuracy.js";

/** A gate as the report has it. */
export interface JudgedGate {
  readonly gate: string;
  /** The figure as measured; null when there is none. */
  readonly value: number | null;
  readonly limit: number;
  readonly verdict: "pass" | "fail" | "insufficient";
  /** What the figure was taken over, and how much of it a judgement needs. */
  readonly samples: number;
  readonly needed: number;
}

/** What gates are judged on. */
export interface GateFigures {
  /** Undefined when no frame's truth was known. */
  readonly accuracy: AccuracySummary | undefined;
}

interface Sample {
  readonly value: number | null;
  readonly samples: number;
}

/** Figures that can be judged, with what they are shares of. */
const FIGURES: Readonly<Record<string, (figures: GateFigures) => Sample>> = {
  recall: ({ accuracy }) => ({ value: accuracy?.recall ?? null, samples: accuracy?.objects ?? 0 }),
  precision: ({ accuracy }) => ({
    value: accuracy?.precision ?? null,
    samples: accuracy === undefined ? 0 : accuracy.found + accuracy.falsePositives,
  }),
};

/** Whether a gate on this figure is built. */
export function canJudge({ name }: Gate): boolean {
  return Object.hasOwn(FIGURES, name);
}

/** Whether the figure is known only of a source that knows what is in its frames. */
export function needsTruth({ name }: Gate): boolean {
  return name === "recall" || name === "precision";
}

/**
 * Judges one gate by the figure as measured; a figure without a sample is "insufficient".
 * The gate must be one that can be judged.
 */
export function judgeGate(gate: Gate, figures: GateFigures): JudgedGate {
  const { text, name, operator, limit } = gate;
  const figure = FIGURES[name];
  if (figure === undefined) throw new Error(`no figure for a gate on ${name}`);
  const { value, samples } = figure(figures);
  const needed = 1;
  if (value === null) return { gate: text, value, limit, verdict: "insufficient", samples, needed };
  const verdict = HOLDS[operator](value, limit) ? "pass" : "fail";
  return { gate: text, value, limit, verdict, samples, needed };
}

const HOLDS: Readonly<Record<GateOperator, (value: number, limit: number) => boolean>> = {
  "<": (value, limit) => value < limit,
  "<=": (value, limit) => value <= limit,
  ">": (value, limit) => value > limit,
  ">=": (value, limit) => value >= limit,
};
