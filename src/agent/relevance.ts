import type { Detection } from "../results/detection.js";

/** What is watched for. */
export interface Relevance {
  /** Least confidence, 0..1. */
  readonly conf: number;
  /** Names of classes; all without. */
  readonly classes: readonly string[] | undefined;
}

export type JudgedDetection = Detection & { readonly relevant: boolean };

/** Each detection with whether it is what is watched for; filtered here, so that what else is there is known too. */
export function judgeRelevance(
  detections: readonly Detection[],
  { conf, classes }: Relevance,
): JudgedDetection[] {
  return detections.map((one) => ({
    className: one.className,
    classId: one.classId,
    confidence: one.confidence,
    box: one.box,
    trackId: one.trackId,
    relevant: one.confidence >= conf && (classes === undefined || classes.includes(one.className)),
  }));
}
