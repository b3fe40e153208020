import { isDeepStrictEqual } from "node:util";
import { isMap, isNode, isScalar, type Pair, parseDocument, stringify } from "yaml";
import { EXAMPLES, MADE_COMMENT, MODEL_COMMENT } from "./config-template.js";

/** Keys of a configuration file as they are to be; undefined: not in the file. */
export type ConfigChanges = Readonly<Record<string, string | number | undefined>>;

/**
 * A configuration file with some keys set, added or taken away; all else stays as somebody wrote it, to the
 * last comment and blank. A comment about the model that aiw wrote itself is written anew.
 * @param content of a file that parseConfigFile takes
 * @param modelComment what the template says above the model, without a line end; undefined: it stays
 */
export function editConfig(
  content: string,
  changes: ConfigChanges,
  modelComment: string | undefined,
): string {
  const edited = inPlace(content, changes, modelComment);
  if (saysJust(edited, content, changes)) return edited;
  // Written in a way that can't be edited line by line (in braces, with anchors): the library writes it anew.
  const document = parseDocument(content);
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) document.delete(key);
    else document.set(key, value);
  }
  const text = document.toString({ lineWidth: 0 });
  return content.includes("\r\n") ? text.replace(/\r?\n/g, "\r\n") : text;
}

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

function inPlace(content: string, changes: ConfigChanges, modelComment: string | undefined): string {
  const eol = content.includes("\r\n") ? "\r\n" : "\n";
  const comment = modelComment && `${modelComment}\n`.replaceAll("\n", eol);
  const pairs = pairsOf(content);
  const edits: Edit[] = [];
  const added: string[] = [];
  for (const [key, value] of Object.entries(changes)) {
    const pair = pairs.get(key);
    if (pair === undefined) {
      if (value === undefined) continue;
      const line = stringify({ [key]: value }, { lineWidth: 0 }).trim();
      const example = exampleOf(content, key);
      if (example === undefined) added.push(`${line}${eol}`);
      else edits.push({ ...example, text: line });
      if (key === "model" && example !== undefined)
        edits.push(...commentEdit(content, example.from, comment));
    } else if (value === undefined) {
      edits.push({ from: pair.key, to: pair.end, text: "" });
    } else {
      if (pair.value !== value)
        edits.push({ from: pair.from, to: pair.to, text: valueText(content, pair, value) });
      if (key === "model") edits.push(...commentEdit(content, pair.key, comment));
    }
  }
  if (added.length > 0) {
    const at = pairs.get("model")?.end ?? content.length;
    const isLineStart = at === 0 || content[at - 1] === "\n";
    edits.push({ from: at, to: at, text: `${isLineStart ? "" : eol}${added.join("")}` });
  }
  return edits
    .sort((a, b) => b.from - a.from)
    .reduce((text, { from, to, text: put }) => text.slice(0, from) + put + text.slice(to), content);
}

function valueText(content: string, { from }: Place, value: string | number): string {
  const text = stringify(value, { lineWidth: 0 }).trim();
  // Of a key without a value.
  return content[from - 1] === ":" ? ` ${text}` : text;
}

/** The lines of aiw's own above the model, which speak of the one that was there. */
function commentEdit(content: string, keyAt: number, comment: string | undefined): Edit[] {
  if (comment === undefined) return [];
  const above = /(?:(?<=^|\n)#[^\n]*\n)*$/.exec(content.slice(0, keyAt))?.[0] ?? "";
  const start = keyAt - above.length;
  const ours = new RegExp(`^${MODEL_COMMENT}[^\n]*\n(?:${MADE_COMMENT}[^\n]*\n)?`, "m").exec(above);
  if (ours === null) return [];
  return [{ from: start + ours.index, to: start + ours.index + ours[0].length, text: comment }];
}

/** Where a key stands at its default in the template, in a comment. */
function exampleOf(content: string, key: string): Pick<Edit, "from" | "to"> | undefined {
  const example = EXAMPLES[key];
  if (example === undefined) return undefined;
  const found = new RegExp(`^${example}$`, "m").exec(content);
  return found === null ? undefined : { from: found.index, to: found.index + found[0].length };
}

interface Place {
  readonly value: unknown;
  /** Where the key begins, its value begins and ends, and its last line ends. */
  readonly key: number;
  readonly from: number;
  readonly to: number;
  readonly end: number;
}

function pairsOf(content: string): Map<string, Place> {
  const { contents: root } = parseDocument(content);
  const pairs: readonly Pair[] = isMap(root) ? root.items : [];
  return new Map(
    pairs.flatMap(({ key, value }) => {
      if (!isScalar(key) || !key.range || !isNode(value) || !value.range) return [];
      const place = { value: value.toJSON() as unknown, key: key.range[0] };
      const [from, to, end] = value.range;
      if (from < to) return [[String(key.value), { ...place, from, to, end }]];
      // No value: it would stand behind the colon, before a comment.
      const colon = content.indexOf(":", key.range[1]) + 1;
      const lineEnd = content.indexOf("\n", colon) + 1 || content.length;
      return [[String(key.value), { ...place, from: colon, to: colon, end: lineEnd }]];
    }),
  );
}

/** Whether a file says what it said before, but for the changes. */
function saysJust(content: string, before: string, changes: ConfigChanges): boolean {
  const { contents, errors } = parseDocument(content);
  if (errors.length > 0 || !isMap(contents)) return false;
  const wanted = { ...(parseDocument(before).toJS() as object | null), ...changes };
  const said = Object.entries(wanted).filter(([, value]) => value !== undefined);
  return isDeepStrictEqual(contents.toJSON(), Object.fromEntries(said));
}
