import { gateName, latencyOf } from "../bench/gate-name.js";
import type { JudgedGate } from "../bench/report-schema.js";

/** Figures of a gate with their unit: "61.2 ms", "1.5 %"; "–" for none. */
export function gateWords({ gate, value, limit }: Pick<JudgedGate, "gate" | "value" | "limit">): {
  readonly value: string;
  readonly limit: string;
} {
  const words = wordsOf(gateName(gate));
  return { value: value === null ? "–" : words(value), limit: words(limit) };
}

function plain(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}

const percent = (share: number) => `${plain(share * 100)} %`;
const megabytes = (mb: number) => `${plain(mb)} MB`;
const milliseconds = (ms: number) => `${plain(ms)} ms`;

const WORDS = new Map([
  ...["drops", "errors", "recall", "precision"].map((name) => [name, percent] as const),
  ...["client_rss", "worker_rss"].map((name) => [name, megabytes] as const),
  ["cpu_per_frame", milliseconds],
]);

function wordsOf(name: string): (value: number) => string {
  return WORDS.get(name) ?? (latencyOf(name) === undefined ? plain : milliseconds);
}

/** What was found of a gate, in words: "insufficient, needs 90 samples, 12 there". */
export function verdictWords({ verdict, samples, needed }: JudgedGate): string {
  if (verdict !== "insufficient") return verdict;
  return samples === 0 ? `${verdict}, nothing to judge` : `${verdict}, needs ${needed}`;
}

/** What is wrong with a gate that did not pass, with what was measured, in words for an error. */
export function gateProblem(judged: JudgedGate): string {
  const { gate, verdict, samples, needed } = judged;
  if (verdict === "fail") return `"${gate}" does not hold, measured was ${gateWords(judged).value}`;
  return samples === 0
    ? `"${gate}" cannot be judged: ${whyNothing(gate)}`
    : `"${gate}" cannot be judged, of ${needed} samples needed there are ${samples}`;
}

/** Why there is nothing to judge a gate on. */
function whyNothing(gate: string): string {
  const name = gateName(gate);
  const of = latencyOf(name)?.of ?? "total";
  if (of !== "total") return `the worker does not report ${of}`;
  if (name === "worker_rss" || name === "cpu_per_frame") return "the worker does not report what it uses";
  if (name === "recall" || name === "precision") {
    return "in the frames there was nothing for it, of the classes and at the size asked for";
  }
  return "nothing came back";
}
