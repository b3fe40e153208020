export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  /** All text in it and in what it holds. */
  text: string;
}

const TOKEN = /<!DOCTYPE html>|<(\/?)([A-Za-z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|[^<]+/y;
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

/**
 * Reads well-formed XML without comments, processing instructions and the like, and nothing that is not:
 * parsers that mend what they read would hide it.
 * @throws where it is not well-formed
 */
export function readMarkup(text: string): Element {
  const root: Element = { name: "", attributes: {}, children: [], text: "" };
  const open = [root];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(text);
    if (token === null) throw new Error(`not well-formed: ${text.slice(at, at + 80)}`);
    const [whole, slash, name, attributes = "", closed] = token;
    const parent = open.at(-1)!;
    if (name === undefined) {
      if (!whole.startsWith("<!")) for (const one of open) one.text += decode(whole);
    } else if (slash === "/") {
      if (open.pop()!.name !== name) throw new Error(`</${name}> closes <${parent.name}>`);
    } else {
      const element: Element = { name, attributes: attributesOf(attributes), children: [], text: "" };
      parent.children.push(element);
      if (closed !== "/") open.push(element);
    }
  }
  if (open.length !== 1) throw new Error(`<${open.at(-1)!.name}> is not closed`);
  return root;
}

/** The elements in it for which that holds, in the order of the text. */
export function findAll(element: Element, holds: (element: Element) => boolean): Element[] {
  return element.children.flatMap((child) => [...(holds(child) ? [child] : []), ...findAll(child, holds)]);
}

function attributesOf(text: string): Record<string, string> {
  const found = [...text.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, name, value]) => [name!, decode(value!)]);
  const names = found.map(([name]) => name);
  if (new Set(names).size !== names.length) throw new Error(`an attribute twice: ${text}`);
  return Object.fromEntries(found) as Record<string, string>;
}

function decode(text: string): string {
  return text.replace(/&([^;\s]*);?/g, (whole, name: string) => {
    const meant = ENTITIES[name];
    if (meant === undefined || !whole.endsWith(";")) throw new Error(`unknown entity ${whole}`);
    return meant;
  });
}
