import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { type Box, boxIou } from "../../frame/box.js";
import type { Size } from "../../frame/pixel-format.js";
import type { Detection } from "../../results/detection.js";
import { classColor, hex, type Rgb } from "./class-color.js";
import { overlaySvg } from "./overlay.js";

const SIZE = { width: 640, height: 480 };

function detection(className: string, box: Box, confidence = 0.91): Detection {
  return { className, classId: 0, confidence, box, trackId: null };
}

const rect = /<rect x="([\d.-]+)" y="([\d.-]+)" width="([\d.-]+)" height="([\d.-]+)"/;

function rects(svg: string, which: RegExp): Box[] {
  return [...svg.matchAll(new RegExp(rect.source + which.source, "g"))].map(([, x, y, w, h]) => ({
    x: Number(x),
    y: Number(y),
    w: Number(w),
    h: Number(h),
  }));
}
const labelsOf = (svg: string) => rects(svg, / fill="#/);
const boxesOf = (svg: string) => rects(svg, / stroke="#/);

/** What is seen of the overlay on grey. */
async function draw(svg: string, { width, height }: Size) {
  const { data } = await sharp({ create: { width, height, channels: 3, background: "#808080" } })
    .composite([{ input: Buffer.from(svg) }])
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return (x: number, y: number): Rgb => {
    const at = 3 * (y * width + x);
    return [data[at]!, data[at + 1]!, data[at + 2]!];
  };
}

const GREY: Rgb = [128, 128, 128];

describe("overlaySvg", () => {
  it("is nothing where there is nothing to draw", () => {
    expect(overlaySvg(SIZE, [])).toBeUndefined();
    expect(overlaySvg(SIZE, [], [])).toBeUndefined();
  });

  it("draws a box in the colour of the class, and a filled label above it", async () => {
    const svg = overlaySvg(SIZE, [detection("dog", { x: 100, y: 100, w: 200, h: 150 })])!;
    const pixel = await draw(svg, SIZE);
    const dog = classColor("dog");
    for (const [x, y] of [
      [100, 180],
      [300, 180],
      [200, 250],
    ] as const)
      expect(pixel(x, y)).toEqual(dog);
    expect(pixel(200, 180)).toEqual(GREY);
    expect(pixel(90, 180)).toEqual(GREY);
    const [label] = labelsOf(svg);
    expect(label).toMatchObject({ x: 99, h: 22 });
    expect(label!.y + label!.h).toBe(99);
    expect(pixel(label!.x + 1, label!.y + 1)).toEqual(dog);
    // The upright of the d.
    expect(pixel(label!.x + 4 + 9, label!.y + 5)).toEqual([0, 0, 0]);
  });

  it("draws thicker on a larger picture, and never nothing", () => {
    const lineOf = (width: number, height: number) =>
      Number(/stroke-width="(\d+)"/.exec(overlaySvg({ width, height }, [detection("dog", SQUARE)])!)![1]);
    expect([lineOf(64, 48), lineOf(640, 480), lineOf(1920, 1080), lineOf(8000, 6000)]).toEqual([1, 2, 5, 21]);
  });

  it("draws the truth thin and dashed, so that it is seen over a box at the same place", async () => {
    const box = { x: 100.5, y: 100.5, w: 200, h: 200 };
    const truth = [{ id: 1, className: "dog", box, visible: 1 }];
    const svg = overlaySvg(SIZE, [detection("dog", box)], truth)!;
    const pixel = await draw(svg, SIZE);
    const column = Array.from({ length: 180 }, (_, i) => hex(pixel(100, 110 + i)));
    expect(new Set(column)).toEqual(new Set(["#000000", hex(classColor("dog"))]));
    const only = await draw(overlaySvg(SIZE, [], truth)!, SIZE);
    expect([99, 100, 101].map((x) => hex(only(x, 200)) !== hex(GREY))).toEqual([false, true, false]);
  });

  it("lets no name of a class into the SVG", async () => {
    const name = `<a href="x">&'"]]></svg>`;
    const svg = overlaySvg(SIZE, [detection(name, SQUARE)])!;
    expect(svg).not.toContain(name.slice(0, 3));
    expect(svg).not.toContain("<text");
    await draw(svg, SIZE);
  });

  it("keeps boxes and labels inside the picture, whatever the boxes are", () => {
    const side = fc.double({ min: -2000, max: 2000, noNaN: true });
    const box = fc.record({ x: side, y: side, w: side, h: side });
    const size = fc.record({
      width: fc.integer({ min: 1, max: 900 }),
      height: fc.integer({ min: 1, max: 900 }),
    });
    const name = fc.oneof(fc.constantFrom("", "dog", "a name that is far too long ".repeat(20)), fc.string());
    fc.assert(
      fc.property(
        size,
        fc.array(fc.tuple(name, box), { minLength: 1, maxLength: 6 }),
        ({ width, height }, all) => {
          const svg = overlaySvg(
            { width, height },
            all.map(([className, b]) => detection(className, b)),
          )!;
          expect(boxesOf(svg)).toHaveLength(all.length);
          for (const { x, y, w, h } of [...boxesOf(svg), ...labelsOf(svg)]) {
            expect(Math.min(x, y, w, h)).toBeGreaterThanOrEqual(0);
            expect(x + w).toBeLessThanOrEqual(width);
            expect(y + h).toBeLessThanOrEqual(height);
          }
          if (width >= 60 && height >= 30) expect(labelsOf(svg)).toHaveLength(all.length);
        },
      ),
    );
  });

  it("cuts a name that is too long, and not the number after it", () => {
    const size = { width: 120, height: 100 };
    const [label] = labelsOf(overlaySvg(size, [detection("x".repeat(100), SQUARE)])!);
    expect(label!.w).toBeGreaterThan(110);
    const [short] = labelsOf(overlaySvg(size, [detection("", SQUARE)])!);
    expect(short!.w).toBe(4 * 6 - 1 + 4);
  });

  it("puts labels beside each other where boxes lie on each other", () => {
    const twins = ["car", "truck", "bus"].map((name) => detection(name, { x: 200, y: 200, w: 180, h: 90 }));
    const labels = labelsOf(overlaySvg(SIZE, twins)!);
    expect(labels).toHaveLength(3);
    labels.forEach((a, i) => {
      for (const b of labels.slice(i + 1)) expect(boxIou(a, b)).toBe(0);
    });
  });

  it("draws the surest detection last, over the others", () => {
    const all = [detection("car", SQUARE, 0.9), detection("dog", SQUARE, 0.4), detection("cat", SQUARE, 0.6)];
    const strokes = [...overlaySvg(SIZE, all)!.matchAll(/stroke="(#\w+)"/g)].map(([, color]) => color);
    expect(strokes).toEqual(["dog", "cat", "car"].map((name) => hex(classColor(name))));
  });
});

const SQUARE = { x: 10, y: 10, w: 20, h: 20 };
