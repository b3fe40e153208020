import type { Pen } from "../pen.js";
import { between, pick, type Random, sine } from "../random.js";
import { type Color, rgb, shade } from "../raster.js";
import { clothing } from "./colors.js";
import type { Figure } from "./figure.js";

const SKIN: readonly [Color, ...Color[]] = [
  rgb(232, 190, 160),
  rgb(205, 155, 120),
  rgb(160, 110, 80),
  rgb(105, 70, 50),
  rgb(75, 50, 40),
];
const HAIR: readonly [Color, ...Color[]] = [
  rgb(25, 20, 20),
  rgb(70, 45, 25),
  rgb(150, 110, 60),
  rgb(190, 190, 190),
];

/** Somebody who walks. Drawn 1.75 m tall and scaled to the own height. */
export function person(random: Random): Figure {
  const size = between(random, 0.86, 1.1);
  const build = between(random, 0.85, 1.25);
  const skin = pick(random, SKIN);
  const hair = pick(random, HAIR);
  const shirt = clothing(random);
  const trousers = clothing(random);
  const shoes = shade(clothing(random), 140);
  const looks = {
    long: random(3) === 0,
    bag: random(4) === 0,
    stripes: random(4) === 0,
    hat: random(5) === 0,
  };
  const second = clothing(random);

  function leg(pen: Pen, swing: number, color: Color) {
    const lift = swing < 0 ? 0.06 : 0;
    const [kneeX, footX] = [swing * 0.16 + 0.03, swing * 0.3];
    pen.stroke(0, 0.86 * size, kneeX * size, 0.46 * size, 0.17 * build * size, color);
    pen.stroke(kneeX * size, 0.46 * size, footX * size, (0.08 + lift) * size, 0.13 * build * size, color);
    const foot = [footX - 0.06, lift, footX - 0.05, lift + 0.1, footX + 0.06, lift + 0.1, footX + 0.18, lift];
    pen.shape(
      foot.map((value) => value * size),
      shoes,
    );
  }

  function arm(pen: Pen, swing: number, sleeve: Color) {
    const [elbowX, handX] = [swing * 0.16 - 0.03, swing * 0.28 + 0.05];
    pen.stroke(0, 1.38 * size, elbowX * size, 1.12 * size, 0.11 * build * size, sleeve);
    pen.stroke(elbowX * size, 1.12 * size, handX * size, 0.88 * size, 0.09 * build * size, sleeve);
    pen.ellipse(handX * size, 0.85 * size, 0.05 * size, 0.06 * size, skin);
  }

  function torso(pen: Pen) {
    const hip = looks.long ? 0.55 : 0.8;
    const [shoulder, waist] = [0.2 * build, (looks.long ? 0.22 : 0.15) * build];
    pen.shape(
      [
        -shoulder,
        1.38,
        -shoulder * 0.6,
        1.47,
        shoulder * 0.6,
        1.47,
        shoulder,
        1.38,
        waist,
        hip,
        -waist,
        hip,
      ].map((value) => value * size),
      shirt,
    );
    if (looks.stripes) {
      const half = 0.16 * build * size;
      for (const y of [1.28, 1.12, 0.96]) {
        pen.shape(
          [-half, (y + 0.06) * size, half, (y + 0.06) * size, half, y * size, -half, y * size],
          second,
        );
      }
    }
  }

  function head(pen: Pen) {
    pen.shape(
      [-0.05, 1.44, -0.05, 1.54, 0.05, 1.54, 0.05, 1.44].map((v) => v * size),
      shade(skin, 210),
    );
    pen.ellipse(0.01 * size, 1.62 * size, 0.1 * size, 0.125 * size, skin);
    pen.shape(
      [-0.11, 1.6, -0.1, 1.7, -0.03, 1.76, 0.05, 1.76, 0.1, 1.68, 0, 1.68, -0.05, 1.58].map((v) => v * size),
      hair,
    );
    if (looks.hat) {
      pen.shape(
        [-0.12, 1.68, -0.09, 1.79, 0.09, 1.79, 0.19, 1.68].map((v) => v * size),
        second,
      );
    }
  }

  return {
    halfWidth: 0.5 * size,
    height: 1.8 * size,
    draw(pen, gait) {
      const swing = sine(gait);
      arm(pen, swing, shade(shirt, 170));
      leg(pen, -swing, shade(trousers, 190));
      leg(pen, swing, trousers);
      if (looks.bag) pen.ellipse(-0.2 * size, 1.15 * size, 0.13 * size, 0.22 * size, second);
      torso(pen);
      head(pen);
      arm(pen, -swing, shade(shirt, 225));
    },
  };
}
