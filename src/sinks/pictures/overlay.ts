import type { Box } from "../../frame/box.js";
import type { Size } from "../../frame/pixel-format.js";
import type { TrueObject } from "../../frame/truth.js";
import type { Detection } from "../../results/detection.js";
import { classColor, hex } from "./class-color.js";
import { Labels } from "./labels.js";

/** Width of a line, and of a dot of the text, as a share of the mean side: 2 pixels at 640x480, 5 at 1920x1080. */
const LINE_SHARE = 0.003;

/**
 * What is drawn over a frame, as SVG: a box and a label for each detection, and a thin dashed box for
 * each object that is really there. No text gets into it: the names of classes are drawn as shapes.
 * @param size of the frame as sent, which boxes and truth refer to
 * @returns undefined when there is nothing to draw
 */
export function overlaySvg(
  size: Size,
  detections: readonly Detection[],
  truth: readonly TrueObject[] = [],
): string | undefined {
  if (detections.length === 0 && truth.length === 0) return undefined;
  const { width, height } = size;
  const line = Math.ceil(((width + height) / 2) * LINE_SHARE);
  const labels = new Labels(size, line);
  // The surest one gets the best place for its label, and is drawn last, over the others.
  const surestFirst = detections.toSorted((a, b) => b.confidence - a.confidence);
  const drawnLabels = surestFirst.map((detection) =>
    labels.draw(detection, inside(detection.box, size, line)),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" shape-rendering="crispEdges">`,
    `<g fill="none" stroke-width="${line}">`,
    ...surestFirst.toReversed().map(({ box, className }) => {
      return `<rect ${sides(inside(box, size, line))} stroke="${hex(classColor(className))}"/>`;
    }),
    `</g>`,
    `<g fill="none" stroke-width="${Math.max(1, Math.round(line / 2))}">`,
    ...truth.map(({ box, className }) => trueBox(inside(box, size, line), className, line)),
    `</g>`,
    ...drawnLabels.toReversed(),
    `</svg>`,
  ].join("");
}

/** Dashes of the class's colour on black: they are seen on a box of that colour as on any picture. */
function trueBox(box: Box, className: string, line: number): string {
  const rect = `<rect ${sides(box)} stroke`;
  return `${rect}="#000"/>${rect}="${hex(classColor(className))}" stroke-dasharray="${4 * line}"/>`;
}

function sides({ x, y, w, h }: Box): string {
  return `x="${round(x)}" y="${round(y)}" width="${round(w)}" height="${round(h)}"`;
}

/** The part of a box that is in the picture, half a line away from its edge, so that all of the line is seen. */
function inside(box: Box, { width, height }: Size, line: number): Box {
  const clamp = (value: number, side: number) => Math.min(Math.max(value, line / 2), side - line / 2);
  const [x, y] = [clamp(box.x, width), clamp(box.y, height)];
  const [right, bottom] = [clamp(box.x + box.w, width), clamp(box.y + box.h, height)];
  return { x, y, w: Math.max(0, right - x), h: Math.max(0, bottom - y) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
