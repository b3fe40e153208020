// Frames of the synthetic scene and what is in them, endlessly, on stdout: what train.py learns from.
// They come from the very renderer that the CLI uses.
//
//   node scripts/detector/frames.mjs FIRST_SEED STEP     seeds FIRST_SEED, FIRST_SEED + STEP, …
//
// A frame is little-endian float32s, the number of objects and then for each its class id, its visible
// share and x, y, w, h of its box, followed by 640 x 480 x 3 bytes of RGB.
import { Buffer } from "node:buffer";
import { seededRandom } from "../../dist/scene/random.js";
import { SCENE_CLASSES, SyntheticScene } from "../../dist/scene/synthetic-scene.js";

const SIZE = { width: 640, height: 480 };
/** A world and its background cost as much as several frames of it. */
const FRAMES_OF_A_SCENE = 6;
/** Frames lie this far apart at most: nothing is where it was, and hardly anybody is still there. */
const MOST_APART = 400;

const [first, step] = process.argv.slice(2).map(Number);
const rgb24 = Buffer.alloc(SIZE.width * SIZE.height * 3);

process.stdout.on("error", () => process.exit(0));

for (let seed = first; ; seed += step) {
  const random = seededRandom(seed);
  const scene = new SyntheticScene({
    ...SIZE,
    seed,
    fps: 12,
    objects: 5 + random(9),
    crowded: random(2) === 1,
  });
  for (let n = 0, frame = 0; n < FRAMES_OF_A_SCENE; n += 1) {
    frame += 1 + random(MOST_APART);
    const objects = scene.draw(rgb24, frame);
    const truth = objects.flatMap(({ className, visible, box: { x, y, w, h } }) => [
      SCENE_CLASSES.indexOf(className),
      visible,
      ...[x, y, w, h],
    ]);
    const head = Buffer.from(Float32Array.of(objects.length, ...truth).buffer);
    const flows = process.stdout.write(Buffer.concat([head, rgb24]));
    if (!flows) await new Promise((resolve) => process.stdout.once("drain", resolve));
  }
}
