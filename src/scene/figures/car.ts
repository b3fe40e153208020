import type { Pen } from "../pen.js";
import { between, random3, type Random, sine } from "../random.js";
import { rgb, shade } from "../raster.js";
import { paint } from "./colors.js";
import type { Figure } from "./figure.js";

/** Outlines of the cabin as shares of the car's length and height: hatchback, saloon, van, pickup. */
const CABINS = [
  { rear: -0.47, roofRear: -0.4, roofFront: 0.08, front: 0.27 },
  { rear: -0.34, roofRear: -0.2, roofFront: 0.09, front: 0.27 },
  { rear: -0.49, roofRear: -0.47, roofFront: 0.22, front: 0.38 },
  { rear: -0.08, roofRear: -0.04, roofFront: 0.16, front: 0.29 },
] as const;

/** A car from the side. */
export function car(random: Random): Figure {
  const length = between(random, 3.5, 4.5);
  const height = between(random, 1.35, 1.75);
  const cabin = CABINS[random(CABINS.length)] ?? CABINS[0];
  const body = paint(random);
  const roof = random(5) === 0 ? paint(random) : body;
  const glass = rgb(between(random, 30, 90), between(random, 45, 110), between(random, 60, 130));
  const rim = rgb(...random3(random, 110, 220));
  const wheel = between(random, 0.29, 0.35);
  const belt = height * between(random, 0.55, 0.62);
  const axle = length * between(random, 0.29, 0.33);
  const at = (share: number) => share * length;

  function cabinShape(pen: Pen) {
    const { rear, roofRear, roofFront, front } = cabin;
    pen.shape(
      [at(rear), belt - 0.05, at(roofRear), height, at(roofFront), height, at(front), belt - 0.05],
      roof,
    );
    const inner = height - 0.09;
    const middle = (roofRear + roofFront) / 2;
    pen.shape(
      [at(rear) + 0.16, belt, at(roofRear) + 0.07, inner, at(middle) - 0.04, inner, at(middle) - 0.04, belt],
      glass,
    );
    pen.shape(
      [
        at(middle) + 0.04,
        belt,
        at(middle) + 0.04,
        inner,
        at(roofFront) - 0.03,
        inner,
        at(front) - 0.16,
        belt,
      ],
      shade(glass, 225),
    );
  }

  function bodyShape(pen: Pen) {
    const half = length / 2;
    pen.shape(
      [
        -half,
        0.32,
        -half + 0.05,
        belt - 0.06,
        -half + 0.2,
        belt,
        half - 0.35,
        belt - 0.02,
        half - 0.05,
        belt - 0.2,
        half,
        0.32,
        half - 0.12,
        0.2,
        -half + 0.1,
        0.2,
      ],
      body,
    );
    pen.shape([-half + 0.1, 0.2, -half + 0.1, 0.32, half - 0.1, 0.32, half - 0.12, 0.2], shade(body, 130));
    pen.shape([0.02, 0.34, 0.02, belt, 0.05, belt, 0.05, 0.34], shade(body, 150));
    pen.shape(
      [-0.45, belt - 0.1, -0.45, belt - 0.06, -0.25, belt - 0.06, -0.25, belt - 0.1],
      shade(body, 120),
    );
    pen.ellipse(half - 0.12, belt - 0.22, 0.1, 0.08, rgb(235, 230, 200));
    pen.shape(
      [
        -half + 0.01,
        belt - 0.3,
        -half + 0.03,
        belt - 0.1,
        -half + 0.12,
        belt - 0.1,
        -half + 0.12,
        belt - 0.3,
      ],
      rgb(190, 30, 25),
    );
  }

  function wheelAt(pen: Pen, x: number, turn: number) {
    pen.ellipse(x, wheel + 0.03, wheel + 0.06, wheel + 0.05, rgb(14, 14, 16));
    pen.ellipse(x, wheel, wheel, wheel, rgb(30, 30, 32));
    pen.ellipse(x, wheel, wheel * 0.6, wheel * 0.6, rim);
    const [dx, dy] = [sine(turn) * wheel * 0.45, sine(turn + 0.25) * wheel * 0.45];
    pen.stroke(x - dx, wheel - dy, x + dx, wheel + dy, 0.07, shade(rim, 120));
    pen.ellipse(x, wheel, wheel * 0.18, wheel * 0.18, shade(rim, 90));
  }

  return {
    halfWidth: length / 2 + 0.02,
    height,
    draw(pen, gait) {
      cabinShape(pen);
      bodyShape(pen);
      wheelAt(pen, -axle, gait);
      wheelAt(pen, axle, gait);
    },
  };
}
