import { describe, expect, it } from "vitest";
import { drawable, TEXT_ROWS, textColumns, textPath } from "./dot-text.js";

const ALL = Array.from({ length: 95 }, (_, i) => String.fromCharCode(0x20 + i));

/** The dots of a text, drawn from the path as a renderer would. */
function drawn(text: string): string {
  const rows = Array.from({ length: TEXT_ROWS }, () => Array<string>(textColumns(text)).fill(" "));
  for (const [, x, y, length] of textPath(text, 0, 0, 1).matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    rows[Number(y)]?.fill("#", Number(x), Number(x) + Number(length));
  }
  return rows.map((row) => row.join("").trimEnd()).join("\n");
}

describe("dot text", () => {
  it("draws what it says", () => {
    expect(drawn("g 7").split("\n")).toEqual([
      "            #####",
      "                #",
      " ####          #",
      "#   #         #",
      "#   #        #",
      "#   #        #",
      " ####        #",
      "    #",
      " ###",
    ]);
  });

  it("has a character of its own for each of ASCII, inside its cell", () => {
    const shapes = ALL.map(drawn);
    expect(new Set(shapes).size).toBe(ALL.length);
    expect(shapes.filter((shape) => shape.trim() === "")).toHaveLength(1);
    for (const shape of shapes) for (const row of shape.split("\n")) expect(row.length).toBeLessThan(6);
  });

  it("leaves accents away, and draws a box for what it does not have", () => {
    expect(drawable("camión ñandú")).toBe("camion nandu");
    const box = drawn(drawable("犬"));
    expect(box).toContain("#####\n#   #");
    expect(drawable("🐕")).toHaveLength(1);
    expect(drawn(drawable("\n"))).toBe(box);
    expect(drawn("\u{1f415}")).toBe(box);
  });

  it("scales by whole pixels", () => {
    expect(textPath("-", 10, 20, 3)).toBe("M10 29h15v3h-15z");
    expect([textColumns(""), textColumns("a"), textColumns("ab")]).toEqual([0, 5, 11]);
  });
});
