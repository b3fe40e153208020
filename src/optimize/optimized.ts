import type { DetectionRow, Trial, TrialFacts } from "../core/trial.js";
import type { Agreement } from "./agreement.js";
import type { Candidate, Choices } from "./candidate.js";

/** What the unchanged model sees, of each judged frame. */
export type Reference = readonly (readonly DetectionRow[])[];

/** What was found out before and need not be again, kept where an interruption does not reach it. */
export interface Findings {
  reference?: Reference;
  agreements: Record<string, Agreement>;
}

export interface OptimizerOptions extends Choices {
  /** Frames to judge on. */
  readonly judged: number;
  /** Ids of the classes that count; undefined = all. */
  readonly classes: readonly number[] | undefined;
  /** Least F1 and mean IoU with the unchanged model, 0..1. */
  readonly minAgreement: number;
  /** Whether a candidate may win whose agreement can't be judged. */
  readonly allowUnverified: boolean;
  readonly findings: Findings;
  /** Loads a candidate in a process of its own. @throws AiwError where that can't be done */
  readonly open: (candidate: Candidate) => Promise<Trial>;
  readonly onStep: (text: string) => void;
  /** Told after something was found out that an interruption must not lose. */
  readonly onFinding: (findings: Findings) => Promise<void>;
}

/** What became of a candidate. */
export interface Tried {
  readonly candidate: Candidate;
  readonly facts?: TrialFacts;
  /** Typical time of an inference when each was tried alone, milliseconds. */
  readonly aloneMs?: number;
  /** With the unchanged model's detections; absent where it was too slow to matter, or can't be judged. */
  readonly agreement?: Agreement;
  /** Median of its turns among the last, milliseconds. */
  readonly finalMs?: number;
  /** Times the unchanged model's time, both measured in turns; below 1 is faster. */
  readonly ratio?: number;
  /** Why it can't be run. */
  readonly failure?: string;
  /** Whether that was for want of memory, which there may be more of another time. */
  readonly lacksMemory?: boolean;
}

export interface Optimized {
  /** The fastest that may be used. */
  readonly winner: Tried;
  readonly all: readonly Tried[];
  /** Whether the winner's detections were judged; an unchanged model needs no judging. */
  readonly verified: boolean;
  /** Least and largest time of the unchanged model's turns, milliseconds, where they differ too much. */
  readonly busy: readonly [number, number] | undefined;
  /** Detections of the unchanged model that were judged by. */
  readonly reference: number;
  readonly judgedFrames: number;
}
