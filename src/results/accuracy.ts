import type { TrueObject } from "../frame/truth.js";
import { type Claim, isJudged, matchDetections } from "./matching.js";

/** How good detections were; a ratio of nothing to nothing is null. */
export interface AccuracyFigures {
  /** Share of the detections that found an object, 0..1. */
  readonly precision: number | null;
  /** Share of the objects that were found, 0..1. */
  readonly recall: number | null;
  /** Mean overlap of the found objects with their detections, 0.5..1. */
  readonly meanIou: number | null;
  /** Objects that there were to find. */
  readonly objects: number;
  readonly found: number;
  /** Detections that found nothing; an object's second detection is one. */
  readonly falsePositives: number;
  /** Objects that count neither way: mostly hidden, or tiny. */
  readonly ignored: number;
}

export interface AccuracySummary extends AccuracyFigures {
  /** Frames with a result whose truth is known. */
  readonly frames: number;
  /** The class with the most objects first. */
  readonly byClass: Readonly<Record<string, AccuracyFigures>>;
}

class Counts {
  objects = 0;
  found = 0;
  falsePositives = 0;
  ignored = 0;
  iouSum = 0;

  add(other: Counts): void {
    this.objects += other.objects;
    this.found += other.found;
    this.falsePositives += other.falsePositives;
    this.ignored += other.ignored;
    this.iouSum += other.iouSum;
  }

  figures(): AccuracyFigures {
    const { objects, found, falsePositives, ignored, iouSum } = this;
    return {
      precision: ratio(found, found + falsePositives),
      recall: ratio(found, objects),
      meanIou: ratio(iouSum, found),
      objects,
      found,
      falsePositives,
      ignored,
    };
  }
}

/**
 * Precision, recall and mean IoU of detections over many frames whose truth is known.
 *
 * Detections are matched to objects frame by frame and class by class as COCO and Pascal VOC do it
 * (see matchDetections), at whatever confidence they were reported with: precision is
 * found / (found + false positives), recall is found / objects (Everingham et al., IJCV 2010,
 * section 4.2), and the mean IoU is that of the pairs found. A detection of an object that is not
 * judged counts neither way. The total is that of all objects and detections together, not a mean of
 * the classes. A class that the scene has and the model has not is missed; one that the model sees
 * and the scene has not is a false positive.
 */
export class Accuracy {
  private readonly byClass = new Map<string, Counts>();
  private readonly only: ReadonlySet<string> | undefined;
  private frames = 0;

  /** @param only names of the classes that are judged; others are left out on both sides */
  constructor(only?: readonly string[]) {
    this.only = only && new Set(only);
  }

  /** One frame with a result. Boxes on both sides are in pixels of the frame as sent. */
  add(detections: readonly Claim[], truth: readonly TrueObject[]): void {
    this.frames++;
    const wanted = ({ className }: { className: string }) => this.only?.has(className) ?? true;
    const objects = truth.filter(wanted);
    for (const object of objects) {
      if (isJudged(object)) this.of(object.className).objects++;
      else this.of(object.className).ignored++;
    }
    for (const { detection, object, iou } of matchDetections(detections.filter(wanted), objects)) {
      const counts = this.of(detection.className);
      if (object === undefined) counts.falsePositives++;
      else if (isJudged(object)) {
        counts.found++;
        counts.iouSum += iou;
      }
    }
  }

  /** Undefined when no frame's truth was known. */
  summary(): AccuracySummary | undefined {
    if (this.frames === 0) return undefined;
    const total = new Counts();
    for (const counts of this.byClass.values()) total.add(counts);
    const classes = [...this.byClass].sort(
      ([nameA, a], [nameB, b]) => b.objects - a.objects || (nameA < nameB ? -1 : 1),
    );
    return {
      ...total.figures(),
      frames: this.frames,
      byClass: Object.fromEntries(classes.map(([name, counts]) => [name, counts.figures()])),
    };
  }

  private of(className: string): Counts {
    const known = this.byClass.get(className);
    if (known !== undefined) return known;
    const made = new Counts();
    this.byClass.set(className, made);
    return made;
  }
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
