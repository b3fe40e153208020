import { plural } from "../core/plural.js";
import type { DetectionRow } from "../core/trial.js";
import type { TrueObject } from "../frame/truth.js";
import { Accuracy } from "../results/accuracy.js";

/** How much two runs over the same frames see the same. */
export interface Agreement {
  /** 2 found / (detections of both), 0..1: the harmonic mean of precision and recall. */
  readonly f1: number;
  /** Mean overlap of the pairs, 0.5..1; null without one. */
  readonly meanIou: number | null;
  /** Detections of the reference, of which there must be enough. */
  readonly reference: number;
}

/**
 * Detections against those of the unchanged model, matched as results/matching.ts matches them with what is
 * really there: by class, at an overlap of 0.5. A detection that the reference has just above the threshold
 * and the other just below is a difference, since whoever counts detections sees one.
 * @param found detections of each frame, @param reference the unchanged model's of the same frames
 * @param classes ids of the classes that count; without it all
 */
export function agreementOf(
  found: readonly (readonly DetectionRow[])[],
  reference: readonly (readonly DetectionRow[])[],
  classes?: readonly number[],
): Agreement {
  const accuracy = new Accuracy(classes?.map(String));
  for (const [index, rows] of reference.entries()) {
    accuracy.add((found[index] ?? []).map(asClaim), rows.map(asObject));
  }
  const summary = accuracy.summary();
  if (summary === undefined) return { f1: 0, meanIou: null, reference: 0 };
  const { objects, found: pairs, falsePositives, meanIou } = summary;
  const all = objects + pairs + falsePositives;
  return { f1: all === 0 ? 0 : (2 * pairs) / all, meanIou, reference: objects };
}

/** How the note of a model begins whose detections nobody has compared. */
export const UNVERIFIED = "detections not verified";

/** Why there is no telling whether something agrees with the unchanged model. */
export function unjudgedWords(detections: number, frames: number): string {
  if (frames === 0) return "the source has no second frame, and the one that calibrates can't judge as well";
  return `the unchanged model reports ${plural(detections, "detection")} in the ${plural(frames, "frame")} to judge by, too few to compare`;
}

/** Whether it agrees by at least `least`, in what is found as in where. */
export function isEnough({ f1, meanIou }: Agreement, least: number): boolean {
  return f1 >= least && (meanIou ?? 0) >= least;
}

function asClaim([classId, confidence, x, y, w, h]: DetectionRow) {
  return { className: String(classId), confidence, box: { x, y, w, h } };
}

function asObject(row: DetectionRow, id: number): TrueObject {
  const { className, box } = asClaim(row);
  return { id, className, box, visible: 1 };
}
