import { printable } from "../../core/printable.js";

/** A piece of HTML that is right as it stands. Only `markup` and `trusted` make one. */
export class Markup {
  constructor(readonly text: string) {}
}

export type Part = Markup | string | number | readonly Part[];

/**
 * HTML with what is filled in escaped, in text and in quoted attributes alike; markup in it stays markup, and
 * lists are put one after the other. What is written with it is well-formed XML as well.
 */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const filled = parts.map((part, i) => inserted(part) + (strings[i + 1] ?? ""));
  return new Markup((strings[0] ?? "") + filled.join(""));
}

/** Text of our own that is markup already; never one that comes from a report. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

export const NOTHING = new Markup("");

function inserted(part: Part): string {
  if (part instanceof Markup) return part.text;
  if (typeof part === "number") return coordinate(part);
  if (typeof part === "string") return escape(part);
  return part.map(inserted).join("");
}

/** Numbers in markup are places in a drawing: a hundredth is finer than what can be seen. */
function coordinate(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function escape(text: string): string {
  return printable(text.replace(/[\r\n]+/g, " "))
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/"/g, "&quot;")
    .replace(/'/g, "&#39;");
}
