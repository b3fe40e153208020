import { clothing } from "./figures/colors.js";
import { ValueNoise } from "./noise.js";
import { between, pick, type Random, random3 } from "./random.js";
import { type Color, type Raster, rgb, shade } from "./raster.js";
import { groundRow, type World } from "./world.js";

type Painter = (canvas: Raster, world: World, random: Random) => void;

/** Grounds and what is behind them; any ground goes with any distance. */
const DISTANCES: readonly [Painter, ...Painter[]] = [houses, trees, wall, hills];
const GROUNDS: readonly [Painter, ...Painter[]] = [road, tiles, meadow, planks];

/** Draws all that never moves, once; takes some tens of milliseconds. */
export function drawBackdrop(canvas: Raster, world: World, random: Random): void {
  canvas.id = 0;
  pick(random, DISTANCES)(canvas, world, random);
  pick(random, GROUNDS)(canvas, world, random);
  addTexture(canvas, world, random);
  for (let passes = random(3); passes > 0; passes -= 1) blur(canvas);
}

function rectangle(canvas: Raster, x: number, y: number, w: number, h: number, color: Color, opacity = 256) {
  canvas.polygon([x, y, x + w, y, x + w, y + h, x, y + h], color, opacity);
}

function sky(canvas: Raster, { width, horizon }: World, random: Random): void {
  const [light, blue] = [between(random, 110, 210), between(random, 0, 50)];
  const bands = 24;
  for (let i = 0; i < bands; i += 1) {
    const glow = light + (i * 30) / bands;
    const top = (i * horizon) / bands;
    rectangle(canvas, 0, top, width, horizon / bands + 1, rgb(glow - blue, glow - blue / 3, glow + blue / 2));
  }
  canvas.softX = canvas.softY = horizon / 8;
  for (let clouds = random(6); clouds > 0; clouds -= 1) {
    const [x, y] = [between(random, 0, width), between(random, 0, horizon * 0.7)];
    canvas.ellipse(x, y, between(random, 20, 110), between(random, 6, 20), rgb(235, 236, 238), 110);
  }
  canvas.softX = canvas.softY = 1;
}

function houses(canvas: Raster, world: World, random: Random): void {
  sky(canvas, world, random);
  const { width, horizon } = world;
  const unit = horizon / 10;
  for (let x = -unit; x < width;) {
    const w = unit * between(random, 4, 9);
    const top = horizon * between(random, 0.05, 0.65);
    const front = rgb(...random3(random, 70, 190));
    rectangle(canvas, x, top, w, horizon - top + 1, front);
    const pane = random(3) === 0 ? rgb(210, 190, 120) : rgb(...random3(random, 30, 110));
    const step = unit * between(random, 1, 1.6);
    for (let wy = top + step * 0.4; wy < horizon - step; wy += step) {
      for (let wx = x + step * 0.4; wx < x + w - step * 0.6; wx += step) {
        rectangle(canvas, wx, wy, step * 0.5, step * 0.6, shade(pane, 190 + random(67)));
      }
    }
    x += w + (random(3) === 0 ? unit * between(random, 0.5, 3) : 0);
  }
}

function trees(canvas: Raster, world: World, random: Random): void {
  sky(canvas, world, random);
  const { width, horizon } = world;
  for (let count = 10 + random(20); count > 0; count -= 1) {
    const x = between(random, -30, width + 30);
    const size = horizon * between(random, 0.15, 0.55);
    const leaf = rgb(between(random, 25, 90), between(random, 60, 130), between(random, 20, 70));
    rectangle(canvas, x - size * 0.06, horizon - size * 0.7, size * 0.12, size * 0.72, rgb(70, 52, 38));
    for (let blobs = 5; blobs > 0; blobs -= 1) {
      const [dx, dy] = [between(random, -0.35, 0.35) * size, between(random, 0.5, 1.1) * size];
      canvas.ellipse(x + dx, horizon - dy, size * 0.3, size * 0.26, shade(leaf, 160 + random(97)));
    }
  }
}

function wall(canvas: Raster, { width, horizon }: World, random: Random): void {
  const paper = rgb(...random3(random, 80, 220));
  rectangle(canvas, 0, 0, width, horizon + 1, paper);
  const step = horizon * between(random, 0.1, 0.4);
  const upright = random(2) === 0;
  for (let at = 0; at < width; at += step) {
    if (upright) rectangle(canvas, at, 0, step * 0.08, horizon, shade(paper, 190));
    else if (at < horizon) rectangle(canvas, 0, at, width, step * 0.08, shade(paper, 205));
  }
  for (let pictures = random(6); pictures > 0; pictures -= 1) {
    const [x, y] = [between(random, 0, width), between(random, 0.1, 0.5) * horizon];
    const [w, h] = [horizon * between(random, 0.15, 0.5), horizon * between(random, 0.15, 0.4)];
    rectangle(canvas, x, y, w, h, clothing(random));
    rectangle(canvas, x + w * 0.1, y + h * 0.1, w * 0.8, h * 0.8, clothing(random));
  }
  rectangle(canvas, 0, horizon - 6, width, 7, shade(paper, 130));
}

function hills(canvas: Raster, world: World, random: Random): void {
  sky(canvas, world, random);
  const { width, horizon } = world;
  for (let layer = 0; layer < 4; layer += 1) {
    const tint = rgb(60 + 25 * (3 - layer), 80 + 18 * (3 - layer), 55 + 35 * (3 - layer));
    for (let count = 3; count > 0; count -= 1) {
      const [x, rise] = [between(random, 0, width), horizon * between(random, 0.1, 0.5 - layer * 0.1)];
      canvas.ellipse(x, horizon + 4, width * between(random, 0.2, 0.5), rise + 4, tint);
    }
  }
}

/** Fills the ground; returns how to find the row of a depth in metres. */
function ground(canvas: Raster, world: World, color: Color): (depth: number) => number {
  const { width, height, horizon } = world;
  rectangle(canvas, 0, horizon, width, height - horizon, color);
  return (depth) => groundRow(world, world.nearScale / depth);
}

function road(canvas: Raster, world: World, random: Random): void {
  const gray = between(random, 60, 125);
  const rowAt = ground(canvas, world, rgb(gray, gray, gray + between(random, -5, 8)));
  const { width, height } = world;
  const pavement = rgb(...random3(random, 110, 170));
  const kerb = rowAt(between(random, 2.2, 3.2));
  rectangle(canvas, 0, world.horizon, width, kerb - world.horizon, pavement);
  rectangle(canvas, 0, kerb - 3, width, 4, shade(pavement, 150));
  const lane = rowAt(between(random, 1.3, 1.7));
  const dash = width * between(random, 0.08, 0.2);
  for (let x = -random(100); x < width; x += dash * 1.8) {
    rectangle(canvas, x, lane, dash, Math.max(3, height / 90), rgb(205, 205, 195));
  }
}

function tiles(canvas: Raster, world: World, random: Random): void {
  const first = rgb(...random3(random, 80, 200));
  const second = random(2) === 0 ? shade(first, 205) : rgb(...random3(random, 70, 200));
  ground(canvas, world, first);
  const { width, height, horizon, eye } = world;
  const side = between(random, 0.5, 1.2);
  const [focal, depthOf] = [width, (scale: number) => width / scale];
  for (let i = 0, near = depthOf((height - horizon) / eye); i < 40; i += 1) {
    const [z0, z1] = [near + i * side, near + (i + 1) * side];
    const [y0, y1] = [groundRow(world, focal / z0), groundRow(world, focal / z1)];
    for (let j = -24 + (i % 2); j < 24; j += 2) {
      const [l, r] = [j * side, (j + 1) * side];
      const [x0, x1] = [focal / z0, focal / z1];
      const middle = width / 2;
      canvas.polygon(
        [middle + l * x0, y0, middle + l * x1, y1, middle + r * x1, y1, middle + r * x0, y0],
        second,
      );
    }
  }
}

function meadow(canvas: Raster, world: World, random: Random): void {
  const grass = rgb(between(random, 60, 120), between(random, 95, 150), between(random, 40, 80));
  const rowAt = ground(canvas, world, grass);
  const { width } = world;
  if (random(2) === 0) {
    const [far, near] = [rowAt(between(random, 2.2, 3)), rowAt(between(random, 1.2, 1.8))];
    rectangle(canvas, 0, far, width, near - far, rgb(...random3(random, 120, 180)));
  }
  for (let tufts = 250; tufts > 0; tufts -= 1) {
    const scale = between(random, world.farScale, world.nearScale);
    const [x, y] = [between(random, 0, width), groundRow(world, scale)];
    canvas.ellipse(x, y, scale * 0.12, scale * 0.03, shade(grass, 150 + random(107)), 140);
  }
}

function planks(canvas: Raster, world: World, random: Random): void {
  const wood = rgb(between(random, 110, 190), between(random, 80, 140), between(random, 50, 100));
  ground(canvas, world, wood);
  const { width, height, horizon } = world;
  const wide = width * between(random, 0.06, 0.16);
  for (let x = -4 * width; x < 5 * width; x += wide) {
    const [top, bottom] = [width / 2 + (x - width / 2) * 0.12, x];
    canvas.polygon(
      [top, horizon, top + wide * 0.12, horizon, bottom + wide, height, bottom, height],
      shade(wood, 195 + random(62)),
    );
  }
}

/** Grain and blotches: fine ones everywhere, on the ground drawn out by the perspective. */
function addTexture(canvas: Raster, world: World, random: Random): void {
  const noise = new ValueNoise(random(2 ** 32));
  const grain = between(random, 10, 70);
  const blotch = between(random, 20, 80);
  const { width, height, pixels } = canvas;
  for (let y = 0; y < height; y += 1) {
    const below = y - world.horizon;
    const depth = below > 2 ? Math.min(40, (world.height - world.horizon) / below) : 1;
    const [across, down] = below > 2 ? [depth, depth * 40] : [1, y / 9];
    for (let x = 0; x < width; x += 1) {
      const side = (x - width / 2) * across;
      const fine = noise.at(side / 2.5, y / 1.6) - 0.5;
      const coarse = noise.at(side / 28, down / 2.2) - 0.5;
      const factor = Math.min(256, Math.max(90, Math.round(226 + grain * fine + blotch * coarse)));
      const i = y * width + x;
      pixels[i] = shade(pixels[i] as number, factor);
    }
  }
}

/** Each pixel the mean of four: two channels at a time. */
function blur({ pixels, width }: Raster): void {
  for (let i = 0; i < pixels.length - width - 1; i += 1) {
    const [a, b] = [pixels[i] as number, pixels[i + 1] as number];
    const [c, d] = [pixels[i + width] as number, pixels[i + width + 1] as number];
    const redBlue = (a & 0xff00ff) + (b & 0xff00ff) + (c & 0xff00ff) + (d & 0xff00ff);
    const green = (a & 0xff00) + (b & 0xff00) + (c & 0xff00) + (d & 0xff00);
    pixels[i] = ((redBlue >>> 2) & 0xff00ff) | ((green >>> 2) & 0xff00);
  }
}
