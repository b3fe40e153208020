import { describe, expect, it } from "vitest";
import { findAll, readMarkup } from "./read-markup.js";

describe("readMarkup", () => {
  it("reads elements, attributes and text", () => {
    const root = readMarkup('<!DOCTYPE html>\n<a x="1 &lt; 2"><b/>&amp;<c>d</c></a>');
    const [a] = findAll(root, ({ name }) => name === "a");
    expect(a).toMatchObject({ attributes: { x: "1 < 2" }, text: "&d" });
    expect(a?.children.map(({ name }) => name)).toEqual(["b", "c"]);
  });

  it.each([
    "<a><b></a></b>",
    "<a><b></a>",
    "<a>",
    "</a>",
    "<a x=1/>",
    "<a x='1'/>",
    '<a x="<"/>',
    '<a x="1" x="2"/>',
    "<a>&</a>",
    "<a>&nbsp;</a>",
    "<a>1 < 2</a>",
    "<!-- a -->",
  ])("refuses %s", (text) => {
    expect(() => readMarkup(text)).toThrow();
  });
});
