export const GATE_OPERATORS = ["<", "<=", ">", ">="] as const;
export type GateOperator = (typeof GATE_OPERATORS)[number];

/** A condition on a bench's figures, as `--gate` and `gates:` give it: `recall>=95%`. */
export interface Gate {
  /** As it was written. */
  readonly text: string;
  /** The figure: "p95", "inference.p95", "recall", … */
  readonly name: string;
  readonly operator: GateOperator;
  /** In the unit of the report: milliseconds, megabytes, a share as 0..1, or a plain number. */
  readonly limit: number;
}
