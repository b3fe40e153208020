import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A page that people read, by its path from the root. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** README.md and all of docs/. */
export function pages(): Page[] {
  const docs = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
  return ["README.md", ...docs.map((name) => `docs/${name}`)].map(page);
}

export function page(path: string): Page {
  return { path, text: readFileSync(join(ROOT, path), "utf8") };
}

export interface CodeBlock {
  readonly language: string;
  /** What stands behind the language: "runnable", "file=NAME". */
  readonly words: readonly string[];
  readonly text: string;
  /** Of its fence, from 1. */
  readonly line: number;
}

export function codeBlocks({ text }: Page): CodeBlock[] {
  return [...text.matchAll(/^```(\S*)([^\n]*)\n([^]*?)^```$/gm)].map((match) => ({
    language: match[1] ?? "",
    words: (match[2] ?? "").split(/\s+/).filter((word) => word !== ""),
    text: match[3] ?? "",
    line: text.slice(0, match.index).split("\n").length,
  }));
}

/** Whatever a page links to that is not there: a file of this repository, or a heading. */
export function brokenLinks(from: Page): string[] {
  const prose = from.text.replace(/^```[^]*?^```$/gm, "").replace(/`[^`\n]*`/g, "");
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? "");
  return targets.filter((target) => !/^[a-z]+:/.test(target) && !isThere(from, target));
}

function isThere(from: Page, target: string): boolean {
  const [file = "", anchor] = target.split("#");
  if (file === "") return anchorsOf(from).has(anchor ?? "");
  const path = join(dirname(from.path), file);
  if (path.startsWith("..") || !existsSync(join(ROOT, path))) return false;
  return anchor === undefined || anchorsOf(page(path)).has(anchor);
}

/** What GitHub calls the headings of a page. */
export function anchorsOf({ text }: Page): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const headings = [...text.replace(/^```[^]*?^```$/gm, "").matchAll(/^#{1,6} +(.+?) *$/gm)];
  return new Set(
    headings.map(([, heading = ""]) => {
      const plain = heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "");
      const anchor = plain.replace(/\s/g, "-");
      const times = seen.get(anchor) ?? 0;
      seen.set(anchor, times + 1);
      return times === 0 ? anchor : `${anchor}-${times}`;
    }),
  );
}
