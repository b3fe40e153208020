import { between, mixSeeds, type Random, seededRandom, sine } from "./random.js";
import { BRIGHTEST } from "./raster.js";

/** Noise is repeated from a table; a power of two. */
const NOISE_PIXELS = 1 << 15;
/** Light is the same over this many pixels of a row. */
const LIGHT_PIXELS = 16;
/** What the brightest drawn value leaves free below 256. */
const NOISE_ROOM = 255 - BRIGHTEST;

/** Turns what was drawn into what a camera sees: changing light, the shadows of clouds, noise. */
export class Sensor {
  private readonly noise = new Uint32Array(NOISE_PIXELS);
  private readonly gains: Int32Array;
  private readonly light: { level: number; swing: number; periodS: number; phase: number; cloud: number };
  private readonly seed: number;

  constructor(
    private readonly width: number,
    private readonly height: number,
    random: Random,
  ) {
    this.gains = new Int32Array(Math.ceil(width / LIGHT_PIXELS));
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
    const { noise, gains, width, height } = this;
    const random = seededRandom(mixSeeds(this.seed, frame));
    this.setGains(timeS);
    let to = 0;
    for (let y = 0; y < height; y += 1) {
      let grain = random(NOISE_PIXELS);
      const row = y * width;
      for (let block = 0; block < gains.length; block += 1) {
        const gain = gains[block] as number;
        const end = row + Math.min(width, (block + 1) * LIGHT_PIXELS);
        for (let i = row + block * LIGHT_PIXELS; i < end; i += 1) {
          const pixel = pixels[i] as number;
          const redBlue = (Math.imul(pixel & 0xff00ff, gain) >>> 8) & 0xff00ff;
          const green = (Math.imul(pixel & 0xff00, gain) >>> 8) & 0xff00;
          const seen = (redBlue | green) + (noise[grain] as number);
          grain = (grain + 1) & (NOISE_PIXELS - 1);
          rgb24[to] = seen;
          rgb24[to + 1] = seen >>> 8;
          rgb24[to + 2] = seen >>> 16;
          to += 3;
        }
      }
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
