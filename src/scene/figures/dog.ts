import type { Pen } from "../pen.js";
import { between, pick, type Random, sine } from "../random.js";
import { type Color, rgb, shade } from "../raster.js";
import { clothing } from "./colors.js";
import type { Figure } from "./figure.js";

const FUR: readonly [Color, ...Color[]] = [
  rgb(45, 35, 30),
  rgb(110, 70, 40),
  rgb(170, 125, 75),
  rgb(205, 185, 150),
  rgb(225, 220, 210),
  rgb(120, 118, 115),
];

export function dog(random: Random): Figure {
  const size = between(random, 0.85, 1.25);
  const fur = pick(random, FUR);
  const second = random(3) === 0 ? pick(random, FUR) : shade(fur, 205);
  const leg = between(random, 0.3, 0.42) * size;
  const long = between(random, 0.3, 0.38) * size;
  const thick = between(random, 0.13, 0.18) * size;
  const hangingEar = random(2) === 0;
  const collar = random(2) === 0 ? clothing(random) : undefined;
  const back = leg + thick;

  function legAt(pen: Pen, x: number, swing: number, color: Color) {
    const foot = x + swing * 0.14 * size;
    pen.stroke(x, back - 0.02, x + swing * 0.05 * size, leg * 0.5, 0.1 * size, color);
    pen.stroke(x + swing * 0.05 * size, leg * 0.5, foot, 0.04 * size, 0.075 * size, color);
    pen.ellipse(foot + 0.02 * size, 0.03 * size, 0.06 * size, 0.035 * size, color);
  }

  function head(pen: Pen, nod: number) {
    const [x, y] = [long + 0.2 * size, back + 0.24 * size + nod];
    pen.stroke(long - 0.04 * size, back + 0.02 * size, x - 0.03 * size, y - 0.02 * size, 0.17 * size, fur);
    if (collar !== undefined) {
      pen.stroke(x - 0.14 * size, y - 0.04 * size, x - 0.04 * size, y - 0.16 * size, 0.05 * size, collar);
    }
    pen.ellipse(x, y, 0.125 * size, 0.11 * size, fur);
    pen.stroke(x + 0.06 * size, y - 0.03 * size, x + 0.2 * size, y - 0.05 * size, 0.1 * size, second);
    pen.ellipse(x + 0.22 * size, y - 0.03 * size, 0.03 * size, 0.028 * size, rgb(15, 12, 12));
    pen.ellipse(x + 0.05 * size, y + 0.03 * size, 0.02 * size, 0.02 * size, rgb(10, 10, 10));
    const ear = hangingEar
      ? [-0.08, 0.09, -0.13, -0.1, -0.04, -0.1, 0, 0.08]
      : [-0.11, 0.04, -0.07, 0.21, 0.02, 0.08];
    pen.shape(
      ear.map((value, i) => (i % 2 === 0 ? x : y) + value * size),
      shade(fur, 165),
    );
  }

  return {
    halfWidth: 0.75 * size,
    height: back + 0.46 * size,
    draw(pen, gait) {
      const swing = sine(gait);
      const wag = sine(gait * 2.3) * 0.08 * size;
      legAt(pen, -long * 0.75, -swing, shade(fur, 165));
      legAt(pen, long * 0.8, swing, shade(fur, 165));
      pen.stroke(-long, back + 0.04 * size, -long - 0.22 * size, back + 0.22 * size + wag, 0.06 * size, fur);
      pen.ellipse(0, back, long + 0.06 * size, thick, fur);
      pen.ellipse(long * 0.6, back - 0.01, thick * 1.15, thick * 1.12, fur);
      pen.ellipse(-long * 0.2, back + thick * 0.2, long * 0.45, thick * 0.6, second);
      legAt(pen, -long * 0.9, swing, fur);
      legAt(pen, long * 0.65, -swing, fur);
      head(pen, sine(gait * 2) * 0.012 * size);
    },
  };
}
