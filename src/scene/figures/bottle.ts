import { between, random3, type Random } from "../random.js";
import { rgb, shade } from "../raster.js";
import { clothing } from "./colors.js";
import type { Figure } from "./figure.js";

/** A bottle as tall as a child: at its real size there would be nothing of it to see from here. */
export function bottle(random: Random): Figure {
  const half = between(random, 0.15, 0.2);
  const height = between(random, 0.85, 1.15);
  const shoulder = height * between(random, 0.55, 0.68);
  const neck = half * between(random, 0.3, 0.42);
  const collar = Math.min(height - 0.16, shoulder + between(random, 0.12, 0.2));
  const glass = random(3) === 0 ? clothing(random) : rgb(...random3(random, 20, 150));
  const cap = clothing(random);
  const label = clothing(random);
  const mark = clothing(random);
  const hasLabel = random(5) !== 0;

  return {
    halfWidth: half + 0.02,
    height: height + 0.02,
    draw(pen) {
      pen.shape(
        [-half, shoulder, half, shoulder, half, 0.05, half - 0.04, 0, -half + 0.04, 0, -half, 0.05],
        glass,
      );
      pen.shape(
        [
          -half,
          shoulder,
          -half * 0.85,
          shoulder + (collar - shoulder) * 0.45,
          -neck,
          collar,
          neck,
          collar,
          half * 0.85,
          shoulder + (collar - shoulder) * 0.45,
          half,
          shoulder,
        ],
        glass,
      );
      pen.shape([-neck, collar, -neck, height - 0.06, neck, height - 0.06, neck, collar], shade(glass, 225));
      const lid = neck * 1.25;
      pen.shape([-lid, height - 0.08, -lid, height, lid, height, lid, height - 0.08], cap);
      if (hasLabel) {
        const [low, high] = [shoulder * 0.3, shoulder * 0.82];
        pen.shape([-half, low, -half, high, half, high, half, low], label);
        const middle = (low + high) / 2;
        pen.shape(
          [
            -half * 0.7,
            middle - 0.05,
            -half * 0.7,
            middle + 0.05,
            half * 0.7,
            middle + 0.05,
            half * 0.7,
            middle - 0.05,
          ],
          mark,
        );
      }
      pen.shape(
        [half * 0.45, 0.1, half * 0.45, shoulder, half * 0.68, shoulder, half * 0.68, 0.1],
        rgb(235, 238, 239),
        90,
      );
      pen.shape([-half, 0.05, -half, shoulder, -half * 0.6, shoulder, -half * 0.6, 0.05], rgb(5, 8, 8), 60);
    },
  };
}
