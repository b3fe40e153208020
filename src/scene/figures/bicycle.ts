import { between, type Random, sine } from "../random.js";
import { rgb, shade } from "../raster.js";
import { paint } from "./colors.js";
import type { Figure } from "./figure.js";

/** A bicycle that rolls by itself, as things do in drawn worlds. */
export function bicycle(random: Random): Figure {
  const size = between(random, 0.9, 1.12);
  const frame = paint(random);
  const dark = between(random, 15, 60);
  const tyre = rgb(dark, dark, dark);
  const saddle = random(3) === 0 ? rgb(110, 70, 40) : rgb(25, 25, 28);
  const tube = between(random, 0.05, 0.08) * size;
  const looks = { basket: random(4) === 0, guards: random(3) === 0, lowStep: random(3) === 0 };
  const [wheel, rear, front] = [0.34 * size, -0.52 * size, 0.54 * size];
  const [saddleY, barY] = [0.92 * size, 1.02 * size];

  return {
    halfWidth: 0.92 * size,
    height: 1.1 * size,
    draw(pen, gait) {
      const metal = shade(rgb(200, 200, 205), 200);
      for (const x of [rear, front]) {
        for (const spoke of [0, 1 / 6, 1 / 3]) {
          const [dx, dy] = [sine(gait + spoke) * wheel * 0.9, sine(gait + spoke + 0.25) * wheel * 0.9];
          pen.stroke(x - dx, wheel - dy, x + dx, wheel + dy, 0.014, metal);
        }
        pen.ring(x, wheel, wheel, 0.055 * size, tyre);
        if (looks.guards) pen.ring(x, wheel + 0.02, wheel + 0.035, 0.03, shade(frame, 200));
        pen.ellipse(x, wheel, 0.045, 0.045, metal);
      }
      const pedal = { x: -0.06 * size, y: 0.3 * size };
      const seat = { x: -0.2 * size, y: 0.8 * size };
      const head = { x: 0.38 * size, y: 0.84 * size };
      const top = looks.lowStep ? { x: -0.14 * size, y: 0.55 * size } : { x: seat.x + 0.02, y: 0.74 * size };
      pen.stroke(rear, wheel, pedal.x, pedal.y, tube * 0.8, frame);
      pen.stroke(rear, wheel, seat.x + 0.02, 0.72 * size, tube * 0.7, frame);
      pen.stroke(pedal.x, pedal.y, seat.x, saddleY, tube, frame);
      pen.stroke(top.x, top.y, head.x, head.y - 0.06, tube, frame);
      pen.stroke(pedal.x, pedal.y, head.x + 0.02, head.y - 0.16, tube, frame);
      pen.stroke(front, wheel, head.x, barY, tube, shade(frame, 215));
      pen.stroke(head.x - 0.12 * size, barY + 0.03, head.x + 0.12 * size, barY + 0.01, 0.05 * size, saddle);
      pen.stroke(seat.x - 0.13 * size, saddleY + 0.03, seat.x + 0.12 * size, saddleY, 0.075 * size, saddle);
      pen.ring(pedal.x, pedal.y, 0.1 * size, 0.03 * size, metal);
      const [dx, dy] = [sine(gait) * 0.16 * size, sine(gait + 0.25) * 0.16 * size];
      pen.stroke(pedal.x - dx, pedal.y - dy, pedal.x + dx, pedal.y + dy, 0.035 * size, saddle);
      if (looks.basket) {
        const [x, y] = [head.x + 0.06, 0.78 * size];
        pen.shape([x, y, x - 0.03, y + 0.22, x + 0.32, y + 0.22, x + 0.27, y], rgb(150, 115, 70));
      }
    },
  };
}
