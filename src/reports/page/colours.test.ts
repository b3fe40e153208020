import { describe, expect, it } from "vitest";
import { STAGES } from "../../results/stages.js";
import { INKS, SERIES } from "./colours.js";

/** WCAG 2's relative luminance of "#rrggbb". */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

describe.each(["light", "dark"] as const)("in the %s scheme", (scheme) => {
  const ground = INKS.ground[scheme];

  it.each(["ink", "soft", "pass", "fail", "insufficient"] as const)("%s is read as text", (name) => {
    expect(contrast(INKS[name][scheme], ground)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(Object.entries(SERIES))("%s is seen on the ground", (_, colour) => {
    expect(contrast(colour[scheme], ground)).toBeGreaterThanOrEqual(3);
  });

  it("neighbours in the stack of stages differ in lightness, as in a grey print", () => {
    for (const [i, stage] of STAGES.slice(1).entries()) {
      const below = SERIES[STAGES[i] ?? stage][scheme];
      expect(contrast(below, SERIES[stage][scheme])).toBeGreaterThanOrEqual(1.4);
    }
  });
});
