import { between, type Random } from "../random.js";
import { type Color, rgb } from "../raster.js";

/** Anything that cloth comes in: dull, bright, dark or light. */
export function clothing(random: Random): Color {
  const light = between(random, 35, 215);
  const spread = random(3) === 0 ? 12 : 75;
  const channel = () => light + between(random, -spread, spread);
  return rgb(channel(), channel(), channel());
}

/** Paint of cars and bicycles: more often grey, black, white, or of one strong colour. */
export function paint(random: Random): Color {
  if (random(2) === 0) {
    const light = between(random, 25, 232);
    return rgb(light, light + between(random, -6, 6), light + between(random, -8, 10));
  }
  const strong = random(3);
  const channel = (i: number) => (i === strong ? between(random, 130, 220) : between(random, 15, 110));
  return rgb(channel(0), channel(1), channel(2));
}
