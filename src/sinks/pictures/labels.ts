import { type Box, boxIou } from "../../frame/box.js";
import type { Size } from "../../frame/pixel-format.js";
import type { Detection } from "../../results/detection.js";
import { classColor, hex, textColor } from "./class-color.js";
import { drawable, TEXT_ROWS, textColumns, textPath } from "./dot-text.js";

/** Room around the text of a label, in dots; below it the characters have room of their own. */
const PADDING = 2;
/** Stands for the end of a name that is too long. */
const CUT = "~";

/** Places the labels of one picture: inside it, and where there is room beside each other. */
export class Labels {
  private readonly placed: Box[] = [];

  /** @param dot side of a dot of the text, whole pixels */
  constructor(
    private readonly size: Size,
    private readonly dot: number,
  ) {}

  /**
   * A filled box with "class 0.91" in it, as SVG; nothing where not even the number has room.
   * @param box of the detection, inside the picture
   */
  draw({ className, confidence }: Detection, box: Box): string {
    const text = this.fitting(drawable(className), confidence.toFixed(2));
    if (text === "") return "";
    const { dot } = this;
    const place = this.place(box, {
      width: (textColumns(text) + 2 * PADDING) * dot,
      height: (TEXT_ROWS + PADDING) * dot,
    });
    this.placed.push(place);
    const color = classColor(className);
    const { x, y, w, h } = place;
    return [
      `<rect x="${x}" y="${y}" width="${w}" height="${h}" fill="${hex(color)}"/>`,
      `<path d="${textPath(text, x + PADDING * dot, y + PADDING * dot, dot)}" fill="${hex(textColor(color))}"/>`,
    ].join("");
  }

  /** Above the box, else within it or below; where no place is free, the first of them. */
  private place(box: Box, label: Size): Box {
    const [left, right] = [box.x - this.dot / 2, box.x + box.w + this.dot / 2 - label.width];
    const [top, bottom] = [box.y - this.dot / 2, box.y + box.h + this.dot / 2];
    const places = [
      [left, top - label.height],
      [left, top],
      [right, top - label.height],
      [left, bottom],
      [left, bottom - label.height],
      [right, bottom],
    ].map(([x = 0, y = 0]) => this.inside(x, y, label));
    const isFree = (place: Box) => this.placed.every((other) => boxIou(place, other) === 0);
    return places.find(isFree) ?? places[0] ?? this.inside(0, 0, label);
  }

  /** On whole pixels, which keeps the dots sharp. */
  private inside(x: number, y: number, { width, height }: Size): Box {
    const clamp = (value: number, side: number) => Math.round(Math.max(0, Math.min(value, side)));
    return {
      x: clamp(x, this.size.width - width),
      y: clamp(y, this.size.height - height),
      w: width,
      h: height,
    };
  }

  private fitting(name: string, confidence: string): string {
    const columns = Math.floor(this.size.width / this.dot) - 2 * PADDING;
    if (textColumns(confidence) > columns || TEXT_ROWS + PADDING > this.size.height / this.dot) return "";
    const whole = `${name} ${confidence}`.trim();
    if (textColumns(whole) <= columns) return whole;
    // A dot more than the columns: none follows the last character.
    const characters = Math.floor((columns + 1) / (textColumns("..") - textColumns(".")));
    const kept = characters - confidence.length - CUT.length - 1;
    return kept > 0 ? `${name.slice(0, kept)}${CUT} ${confidence}` : confidence;
  }
}
