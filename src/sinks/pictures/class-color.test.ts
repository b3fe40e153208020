import { describe, expect, it } from "vitest";
import { classColor, hex, luminance, type Rgb, textColor } from "./class-color.js";

const COMMON = "person,car,bicycle,dog,bottle,bus,truck,motorcycle,cat,chair,traffic light,bird".split(",");
const MANY = Array.from({ length: 300 }, (_, i) => `class ${i}`);

function contrast(a: Rgb, b: Rgb): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

describe("classColor", () => {
  it("is the same in every run and on every machine", () => {
    expect(["person", "horse", "camión", "toString"].map((name) => hex(classColor(name)))).toEqual([
      "#f03a47",
      "#aa92fc",
      "#aaf547",
      "#bb1b63",
    ]);
  });

  it("tells apart the classes that are often seen together", () => {
    const colors = COMMON.map(classColor);
    colors.forEach((a, i) => {
      for (const b of colors.slice(i + 1)) {
        expect(Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]), `${a} and ${b}`).toBeGreaterThan(60);
      }
    });
  });

  it("spreads the others over many colours, all of them bytes", () => {
    const colors = MANY.map(classColor);
    expect(new Set(colors.map(hex)).size).toBeGreaterThan(200);
    for (const value of colors.flat()) {
      expect(Number.isInteger(value) && value >= 0 && value <= 255).toBe(true);
    }
  });

  it("can be written on", () => {
    for (const color of [...COMMON, ...MANY].map(classColor)) {
      expect(contrast(color, textColor(color))).toBeGreaterThanOrEqual(4.5);
    }
  });
});
