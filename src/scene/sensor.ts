import { between, mixSeeds, type Random, seededRandom, sine } from "./random.js";
import { BRIGHTEST } from "./raster.js";

/** Noise is repeated from a table; a power of two. */
const NOISE_PIXELS = 1 << 15;
const NOISE_MASK = NOISE_PIXELS - 1;
/** Light is the same over this many pixels of a row; a multiple of four. */
const LIGHT_PIXELS = 16;
/** What the brightest drawn value leaves free below 256. */
const NOISE_ROOM = 255 - BRIGHTEST;

/** Turns what was drawn into what a camera sees: changing light, the shadows of clouds, noise. */
export class Sensor {
  private readonly noise = new Uint32Array(NOISE_PIXELS);
  private readonly gains: Int32Array;
  /** A row of RGB, written four pixels to three words at a time (little-endian), and its bytes. */
  private readonly row: Uint32Array;
  private readonly rowBytes: Uint8Array;
  private readonly light: { level: number; swing: number; periodS: number; phase: number; cloud: number };
  private readonly seed: number;

  constructor(
    private readonly width: number,
    private readonly height: number,
    random: Random,
  ) {
    this.gains = new Int32Array(Math.ceil(width / LIGHT_PIXELS));
    this.row = new Uint32Array(3 * Math.ceil(width / 4));
    this.rowBytes = new Uint8Array(this.row.buffer, 0, 3 * width);
    this.seed = random(2 ** 32);
    const level = between(random, 0.68, 0.92);
    this.light = {
      level,
      swing: between(random, 0, Math.min(0.14, 0.98 - level)),
      periodS: between(random, 6, 30),
      phase: between(random, 0, 1),
      cloud: between(random, 0, 0.22),
    };
    const grains = 1 + random(NOISE_ROOM / 2);
    for (let i = 0; i < NOISE_PIXELS; i += 1) {
      // The sum of two dice: nearer to the bell of real noise than one.
      const grain = () => random(grains + 1) + random(grains + 1);
      this.noise[i] = grain() | (grain() << 8) | (grain() << 16);
    }
  }

  /**
   * @param pixels what was drawn, packed as in Raster
   * @param rgb24 gets width * height * 3 bytes, red first
   * @param timeS time of the frame, seconds; seeds the noise together with the frame's number
   */
  expose(pixels: Uint32Array, rgb24: Uint8Array, frame: number, timeS: number): void {
    const { noise, gains, width, height, row, rowBytes } = this;
    const random = seededRandom(mixSeeds(this.seed, frame));
    this.setGains(timeS);
    for (let y = 0; y < height; y += 1) {
      let grain = random(NOISE_PIXELS);
      let at = y * width;
      let word = 0;
      for (let x = 0; x < width; x += 4) {
        const gain = gains[(x / LIGHT_PIXELS) | 0] as number;
        const first = seen(pixels[at] as number, gain, noise[grain] as number);
        const second = seen(pixels[at + 1] as number, gain, noise[(grain + 1) & NOISE_MASK] as number);
        const third = seen(pixels[at + 2] as number, gain, noise[(grain + 2) & NOISE_MASK] as number);
        const fourth = seen(pixels[at + 3] as number, gain, noise[(grain + 3) & NOISE_MASK] as number);
        row[word] = first | (second << 24);
        row[word + 1] = (second >>> 8) | (third << 16);
        row[word + 2] = (third >>> 16) | (fourth << 8);
        grain = (grain + 4) & NOISE_MASK;
        at += 4;
        word += 3;
      }
      rgb24.set(rowBytes, 3 * y * width);
    }
  }

  /** Brightness of each block of columns, of 256. */
  private setGains(timeS: number): void {
    const { level, swing, periodS, phase, cloud } = this.light;
    const overall = level + swing * sine(timeS / periodS + phase);
    for (let block = 0; block < this.gains.length; block += 1) {
      const shadow =
        cloud * Math.max(0, sine((block * LIGHT_PIXELS) / (2 * this.width) - timeS / 17 + phase));
      this.gains[block] = Math.min(256, Math.max(64, Math.round(256 * (overall - shadow))));
    }
  }
}

/** A pixel in some light and with some noise, without what it is of: 0xBBGGRR. */
function seen(pixel: number, gain: number, noise: number): number {
  const redBlue = (Math.imul(pixel & 0xff00ff, gain) >>> 8) & 0xff00ff;
  const green = (Math.imul(pixel & 0xff00, gain) >>> 8) & 0xff00;
  return (redBlue | green) + noise;
}
