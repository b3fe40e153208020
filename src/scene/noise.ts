import { mixSeeds } from "./random.js";

const TABLE = 256;

/** Smooth noise over the plane, 0..1: values on a grid of whole numbers, blended between them. */
export class ValueNoise {
  private readonly values: Float64Array;

  constructor(seed: number) {
    this.values = Float64Array.from({ length: TABLE * TABLE }, (_, i) => mixSeeds(seed, i) / 2 ** 32);
  }

  at(x: number, y: number): number {
    const [column, row] = [Math.floor(x), Math.floor(y)];
    const [fx, fy] = [smooth(x - column), smooth(y - row)];
    const top = this.value(column, row) * (1 - fx) + this.value(column + 1, row) * fx;
    const bottom = this.value(column, row + 1) * (1 - fx) + this.value(column + 1, row + 1) * fx;
    return top * (1 - fy) + bottom * fy;
  }

  private value(column: number, row: number): number {
    return this.values[(column & (TABLE - 1)) + (row & (TABLE - 1)) * TABLE] as number;
  }
}

function smooth(t: number): number {
  return t * t * (3 - 2 * t);
}
