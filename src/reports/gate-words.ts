import type { JudgedGate } from "../bench/report-schema.js";

/** Figures of a gate with their unit: "61.2 ms", "1.5 %"; "–" for none. */
export function gateWords({ gate, value, limit }: Pick<JudgedGate, "gate" | "value" | "limit">): {
  readonly value: string;
  readonly limit: string;
} {
  const words = WORDS.find(([names]) => names.test(gate))?.[1] ?? plain;
  return { value: value === null ? "–" : words(value), limit: words(limit) };
}

function plain(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}

const WORDS: readonly (readonly [RegExp, (value: number) => string])[] = [
  [/^(drops|errors|recall|precision)\b/, (share) => `${plain(share * 100)} %`],
  [/^(client_rss|worker_rss)\b/, (mb) => `${plain(mb)} MB`],
  [/^([a-z]+\.)?(p\d+|max|mean)\b|^cpu_per_frame\b/, (ms) => `${plain(ms)} ms`],
];

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
  const stage = /^([a-z]+)\./.exec(gate)?.[1];
  if (stage !== undefined) return `the worker does not report ${stage}`;
  if (/^(worker_rss|cpu_per_frame)/.test(gate)) return "the worker does not report what it uses";
  if (/^(recall|precision)\b/.test(gate)) {
    return "in the frames there was nothing for it, of the classes and at the size asked for";
  }
  return "nothing came back";
}
