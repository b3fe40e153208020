import { between, type Random } from "../random.js";
import { rgb, shade } from "../raster.js";
import { clothing, paint } from "./colors.js";
import type { Breed, Figure } from "./figure.js";

/** What stands about and hides others; none of it is of a class that is looked for. */
export const SCENERY: readonly Breed[] = [post, crate, bin, bush, sign, bench];

function post(random: Random): Figure {
  const [width, height] = [between(random, 0.06, 0.16), between(random, 0.9, 3.2)];
  const color = paint(random);
  return {
    halfWidth: width,
    height,
    draw(pen) {
      const half = width / 2;
      pen.shape([-half, 0, -half, height, half, height, half, 0], color);
      pen.shape([-half, 0, -half, height, -half * 0.3, height, -half * 0.3, 0], shade(color, 170));
    },
  };
}

function crate(random: Random): Figure {
  const [half, height] = [between(random, 0.3, 0.6), between(random, 0.4, 0.9)];
  const wood = rgb(between(random, 110, 180), between(random, 80, 130), between(random, 45, 85));
  return {
    halfWidth: half,
    height,
    draw(pen) {
      pen.shape([-half, 0, -half, height, half, height, half, 0], wood);
      for (const y of [0.05, 0.38, 0.71]) {
        const [low, high] = [y * height, (y + 0.06) * height];
        pen.shape([-half, low, -half, high, half, high, half, low], shade(wood, 130));
      }
      pen.stroke(-half * 0.85, 0.08, half * 0.85, height - 0.08, 0.07, shade(wood, 190));
    },
  };
}

function bin(random: Random): Figure {
  const [half, height] = [between(random, 0.24, 0.36), between(random, 0.7, 1)];
  const color = clothing(random);
  return {
    halfWidth: half * 1.1,
    height: height + 0.08,
    draw(pen) {
      pen.shape([-half * 0.85, 0, -half, height, half, height, half * 0.85, 0], color);
      for (const x of [-0.55, -0.1, 0.35]) {
        pen.shape(
          [x * half, 0.06, x * half, height, (x + 0.2) * half, height, (x + 0.2) * half, 0.06],
          shade(color, 185),
        );
      }
      pen.ellipse(0, height, half * 1.08, 0.08, shade(color, 140));
    },
  };
}

function bush(random: Random): Figure {
  const size = between(random, 0.6, 1.2);
  const green = rgb(between(random, 25, 80), between(random, 70, 130), between(random, 20, 60));
  const blobs = Array.from({ length: 7 }, () => ({
    x: between(random, -0.5, 0.5) * size,
    y: between(random, 0.2, 0.65) * size,
    r: between(random, 0.2, 0.32) * size,
    light: 170 + random(86),
  }));
  return {
    halfWidth: 0.85 * size,
    height: size,
    draw(pen) {
      pen.ellipse(0, 0.25 * size, 0.6 * size, 0.25 * size, shade(green, 150));
      for (const { x, y, r, light } of blobs) pen.ellipse(x, y, r, r * 0.9, shade(green, light));
    },
  };
}

function sign(random: Random): Figure {
  const [height, radius] = [between(random, 1.7, 2.5), between(random, 0.22, 0.36)];
  const [plate, rim] = [paint(random), clothing(random)];
  const round = random(2) === 0;
  return {
    halfWidth: radius,
    height: height + radius,
    draw(pen) {
      pen.shape([-0.035, 0, -0.035, height, 0.035, height, 0.035, 0], rgb(130, 132, 135));
      if (round) {
        pen.ellipse(0, height, radius, radius, rim);
        pen.ellipse(0, height, radius * 0.75, radius * 0.75, plate);
      } else {
        const r = radius;
        pen.shape(
          [-r, height - r * 0.7, -r, height + r * 0.7, r, height + r * 0.7, r, height - r * 0.7],
          plate,
        );
        pen.shape(
          [-r * 0.8, height - 0.05, -r * 0.8, height + 0.05, r * 0.8, height + 0.05, r * 0.8, height - 0.05],
          rim,
        );
      }
    },
  };
}

function bench(random: Random): Figure {
  const half = between(random, 0.6, 0.9);
  const wood = rgb(between(random, 90, 150), between(random, 60, 100), between(random, 35, 70));
  const iron = rgb(40, 42, 45);
  return {
    halfWidth: half + 0.05,
    height: 0.85,
    draw(pen) {
      for (const x of [-half * 0.8, half * 0.8]) pen.stroke(x, 0.02, x, 0.82, 0.06, iron);
      for (const y of [0.42, 0.58, 0.72])
        pen.shape([-half, y, -half, y + 0.09, half, y + 0.09, half, y], wood);
      pen.shape([-half, 0.36, -half, 0.42, half, 0.42, half, 0.36], shade(wood, 160));
    },
  };
}
