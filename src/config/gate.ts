import { type Gate, GATE_OPERATORS, type GateOperator } from "../core/gate.js";

/** Statistics of a latency: of the total, or with a stage before them ("inference.p95"). */
const STATISTICS = ["p50", "p90", "p95", "p99", "max", "mean"];
/** As the results name them; no import, since config stands alone. A test holds the two together. */
export const GATE_STAGES = ["wait", "transport", "queue", "preprocess", "inference", "postprocess"];

interface Kind {
  /** Units that may be written, "" for none, each with the power of ten that leads to the report's. */
  readonly units: Readonly<Record<string, number>>;
  /** Largest limit that means anything. */
  readonly most: number;
}

// A time or a size without a unit would be a guess, and a gate that guesses passes what it should not.
const TIME: Kind = { units: { ms: 0, s: 3 }, most: Number.MAX_VALUE };
const MEMORY: Kind = { units: { MB: 0 }, most: Number.MAX_VALUE };
const SHARE: Kind = { units: { "%": -2, "": 0 }, most: 1 };
const PLAIN: Kind = { units: { "": 0 }, most: Number.MAX_VALUE };

const KINDS = new Map<string, Kind>([
  ...STATISTICS.map((name) => [name, TIME] as const),
  ...GATE_STAGES.flatMap((stage) => STATISTICS.map((name) => [`${stage}.${name}`, TIME] as const)),
  ["drops", SHARE],
  ["errors", SHARE],
  ["fps", PLAIN],
  ["detections", PLAIN],
  ["recall", SHARE],
  ["precision", SHARE],
  ["client_rss", MEMORY],
  ["worker_rss", MEMORY],
  ["cpu_per_frame", TIME],
]);

/** What is wrong with a gate and where; completes the sentence "--gate GATE …". */
export class GateSyntaxError extends Error {
  override readonly name = "GateSyntaxError";
}

/**
 * Reads `NAME OPERATOR NUMBER[UNIT]`, spaces allowed between them.
 * @throws GateSyntaxError that points at what is wrong and says what is known
 */
export function parseGate(text: string): Gate {
  const scanner: Scanner = new Scanner(text);
  const name = scanner.token(/[^\s<>=!≤≥]+/y);
  const kind = KINDS.get(name) ?? scanner.fail(unknownName(name));
  const operator = scanner.token(/[<>=!≤≥]+/y);
  if (!isOperator(operator))
    scanner.fail(`${operatorProblem(operator)}; known are ${GATE_OPERATORS.join(", ")}`);
  const digits = scanner.token(/\d+(?:\.\d+)?|\.\d+/y);
  if (digits === "") scanner.fail("a number is missing");
  const number = scanner.position;
  const unit = scanner.rest();
  const power = Object.hasOwn(kind.units, unit) ? kind.units[unit] : undefined;
  if (power === undefined) return scanner.fail(unitProblem(name, unit, kind));
  // By way of the digits, so that 99.9% is the very number that 999 of 1000 is.
  const limit = Number(`${digits}e${power}`);
  if (!(limit <= kind.most)) scanner.fail(tooLarge(name, digits, kind), number);
  return { text: text.trim(), name, operator, limit };
}

/** Goes through a text from token to token and remembers where each began. */
class Scanner {
  /** Where the last token began, or would have begun. */
  position = 0;
  private next = 0;

  constructor(private readonly text: string) {}

  /** The token that comes next, blanks before it left out; "" when something else is there. */
  token(pattern: RegExp): string {
    const blanks = /\s*/y;
    blanks.lastIndex = this.next;
    blanks.exec(this.text);
    this.position = blanks.lastIndex;
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.next = this.position + found.length;
    return found;
  }

  /** All that is left. */
  rest(): string {
    return this.token(/.*/sy).trimEnd();
  }

  fail(problem: string, position = this.position): never {
    const rest = this.text.slice(position).trimEnd();
    const place = rest === "" ? "at its end" : `at character ${position + 1} ("${rest}")`;
    throw new GateSyntaxError(`is wrong ${place}: ${problem}`);
  }
}

function isOperator(text: string): text is GateOperator {
  return (GATE_OPERATORS as readonly string[]).includes(text);
}

function unknownName(name: string): string {
  const plain = [...KINDS.keys()].filter((known) => !known.includes("."));
  const known = `known are ${plain.join(", ")}, and STAGE.p95 and its like with STAGE one of ${GATE_STAGES.join(", ")}`;
  return `${name === "" ? "a name is missing" : `unknown name ${name}`}; ${known}`;
}

function operatorProblem(operator: string): string {
  return operator === "" ? "an operator is missing" : `unknown operator ${operator}`;
}

function unitProblem(name: string, unit: string, kind: Kind): string {
  const known = Object.keys(kind.units).filter((one) => one !== "");
  if (known.length === 0) return `${name} has no unit`;
  if (unit === "") return `${name} needs a unit: ${known.join(" or ")}`;
  return `${name} has no unit ${unit}; known are ${known.join(", ")}`;
}

function tooLarge(name: string, digits: string, kind: Kind): string {
  if (kind !== SHARE) return "the number is too large";
  const percent = Number(digits) <= 100 ? `; write ${digits}%` : "";
  return `${name} is a share, from 0 to 1 or 0% to 100%${percent}`;
}
