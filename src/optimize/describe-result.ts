import { type Candidate, candidateKey, precisionWords } from "./candidate.js";
import type { Optimized, Tried } from "./optimized.js";
import type { CandidateFigures, Provenance } from "./provenance.js";

type Result = Pick<
  Provenance,
  | "engine"
  | "threads"
  | "precision"
  | "input"
  | "verified"
  | "agreement"
  | "judged_frames"
  | "reference_detections"
  | "candidates"
  | "lacked_memory"
  | "versions"
>;

/** What the optimiser found, as the provenance file says it. */
export function resultOf({ winner, all, verified, reference, judgedFrames }: Optimized): Result {
  const { candidate } = winner;
  return {
    engine: candidate.engine,
    threads: candidate.threads ?? null,
    precision: precisionWords(candidate.precision),
    input: inputOf(winner) ?? candidate.size ?? "",
    verified,
    agreement: agreementOf(winner),
    judged_frames: judgedFrames,
    reference_detections: reference,
    versions: Object.fromEntries(
      all.flatMap(({ candidate: { engine }, facts }) => (facts ? [[engine, facts.version]] : [])),
    ),
    lacked_memory: all.some(({ lacksMemory }) => lacksMemory),
    candidates: all.map((tried) => figuresOf(tried, candidate)),
  };
}

function figuresOf(tried: Tried, chosen: Candidate): CandidateFigures {
  const { candidate, facts, aloneMs, finalMs, ratio, failure } = tried;
  return {
    engine: candidate.engine,
    precision: precisionWords(candidate.precision),
    input: inputOf(tried) ?? candidate.size ?? null,
    threads: facts?.threads ?? candidate.threads ?? null,
    alone_ms: rounded(aloneMs),
    in_turns_ms: rounded(finalMs),
    ratio: rounded(ratio),
    agreement: agreementOf(tried),
    failure: failure ?? null,
    chosen: candidateKey(candidate) === candidateKey(chosen),
  };
}

function inputOf({ facts }: Tried): string | undefined {
  return facts && `${facts.width}x${facts.height}`;
}

function agreementOf({ agreement }: Tried): CandidateFigures["agreement"] {
  if (agreement === undefined) return null;
  return { f1: agreement.f1, mean_iou: agreement.meanIou };
}

/** To microseconds, and ratios to a thousandth. */
function rounded(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value * 1000) / 1000;
}
