import { type Box, boxIou } from "../frame/box.js";
import type { TrueObject } from "../frame/truth.js";
import type { Detection } from "./detection.js";

/** Least overlap at which a detection has found an object. */
const LEAST_IOU = 0.5;
/** An object of which less can be seen is not judged, a share of its silhouette. */
const LEAST_VISIBLE = 0.5;
/** An object with a shorter side is not judged, pixels of the frame as sent. */
const LEAST_SIDE = 8;

/** A detection and what it found: an object, or nothing. */
export interface Match<D extends Claim = Claim, O extends TrueObject = TrueObject> {
  readonly detection: D;
  readonly object: O | undefined;
  /** Overlap of the two, 0.5..1; 0 without an object. */
  readonly iou: number;
}

/** What is needed of a detection to match it; boxes in pixels of the frame as sent. */
export type Claim = Pick<Detection, "className" | "confidence"> & { readonly box: Box };

/** Whether an object counts: one that is mostly hidden or tiny is neither missed nor found. */
export function isJudged({ visible, box }: TrueObject): boolean {
  return visible >= LEAST_VISIBLE && Math.min(box.w, box.h) >= LEAST_SIDE;
}

/**
 * Says what each detection of a frame found, the most confident first.
 *
 * COCO's practice (pycocotools `COCOeval.evaluateImg`, https://github.com/cocodataset/cocoapi), at
 * the IoU of Pascal VOC (Everingham et al., "The Pascal Visual Object Classes Challenge", IJCV 2010,
 * section 4.2), 0.5: by falling confidence each detection takes the free object of its own class that
 * it overlaps most, if by 0.5 or more; an object that is not judged is taken only where no judged one
 * can be. An object is taken once, so that a second detection of it finds nothing. Of objects that a
 * detection overlaps alike, the one with the highest id is taken, whatever the order of the truth.
 */
export function matchDetections<D extends Claim, O extends TrueObject>(
  detections: readonly D[],
  truth: readonly O[],
): Match<D, O>[] {
  const free = new Set([...truth].sort((a, b) => b.id - a.id));
  return [...detections]
    .sort((a, b) => b.confidence - a.confidence)
    .map((detection) => {
      const best = bestOf(detection, free, isJudged) ?? bestOf(detection, free, (o) => !isJudged(o));
      if (best === undefined) return { detection, object: undefined, iou: 0 };
      free.delete(best.object);
      return { detection, ...best };
    });
}

function bestOf<O extends TrueObject>(
  { className, box }: Claim,
  free: Iterable<O>,
  eligible: (object: O) => boolean,
): { object: O; iou: number } | undefined {
  let best: { object: O; iou: number } | undefined;
  for (const object of free) {
    if (object.className !== className || !eligible(object)) continue;
    const iou = boxIou(box, object.box);
    if (iou >= LEAST_IOU && iou > (best?.iou ?? 0)) best = { object, iou };
  }
  return best;
}
