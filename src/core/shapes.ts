import { AiwError } from "./errors.js";

/**
 * Models that aiw builds itself: known layers, random weights. How large and slow a model is can be measured
 * so before anybody has its weights. What builds them is worker/aiw_worker/shapes.
 */
export const SHAPES = ["yolo11n", "yolo11s", "yolo11m", "yolo11l", "yolo11x"] as const;
export type ShapeName = (typeof SHAPES)[number];

const PREFIX = "shape:";

/** "shape:yolo11n, shape:yolo11s, …" */
export const KNOWN_SHAPES = SHAPES.map((name) => `${PREFIX}${name}`).join(", ");

/** Whether a model is named by its shape, known or not, and not by its file. */
export function isShape(model: string): boolean {
  return model.startsWith(PREFIX);
}

/**
 * Whether the worker says of a model that it is no more than a shape, however that was named: files that
 * `aiw models build` has made carry the note in them.
 * @param notes the worker's warnings
 */
export function isShapeOnly(notes: readonly string[]): boolean {
  return notes.some((note) => note.startsWith("shape only:"));
}

/** The shape that "shape:yolo11s" names; undefined for what names none that is known. */
export function shapeName(model: string): ShapeName | undefined {
  return SHAPES.find((name) => model === `${PREFIX}${name}`);
}

/**
 * Refuses a shape for a worker that runs elsewhere: it is built here, where that worker does not see it.
 * @throws USAGE
 */
export function refuseShapeElsewhere(model: string | undefined, host: string): void {
  const name = model === undefined ? undefined : shapeName(model);
  if (name === undefined) return;
  const command = `aiw models build ${PREFIX}${name}`;
  throw new AiwError(
    "USAGE",
    `--worker ${host} does not see ${model}, which is built on this machine: make the file with \`${command}\`, put it where that worker may load it from, and name it with --model`,
  );
}
