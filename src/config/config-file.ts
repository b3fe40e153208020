import { readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, stringify } from "yaml";
import { AiwError, systemCode } from "../core/errors.js";
import { type Layer, SETTINGS, type SettingName } from "./settings.js";

const FILE_NAME = "aiw.yaml";

/** A configuration file's settings. */
export interface ConfigFile extends Layer {
  readonly path: string;
}

/** A configuration file as it is, not yet looked into. */
export interface ConfigText {
  readonly path: string;
  readonly content: string;
}

/**
 * The file named, else the first aiw.yaml from `folder` upward.
 * @throws CONFIG_INVALID with file, line and key
 */
export async function loadConfigFile(
  named: string | undefined,
  folder: string,
): Promise<ConfigFile | undefined> {
  const found = await findConfigFile(named, folder);
  return found === undefined ? undefined : parseConfigFile(found.path, found.content);
}

/** @throws CONFIG_INVALID where the one that is named is not there, or cannot be read */
export async function findConfigFile(
  named: string | undefined,
  folder: string,
): Promise<ConfigText | undefined> {
  if (named !== undefined) {
    const path = resolve(folder, named);
    const content = await read(path);
    if (content === undefined)
      throw new AiwError("CONFIG_INVALID", `there is no configuration file ${named}`);
    return { path, content };
  }
  for (let at = resolve(folder); ; at = dirname(at)) {
    const path = join(at, FILE_NAME);
    const content = await read(path);
    if (content !== undefined) return { path, content };
    if (at === dirname(at)) return undefined;
  }
}

/** @throws CONFIG_INVALID for what is not YAML, not a mapping, or a key that is not known */
export function parseConfigFile(path: string, content: string): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => `${basename(path)}:${lines.linePos(offset).line}`;
  const [problem] = document.errors;
  if (problem !== undefined) {
    const hint = problem.code === "BLOCK_AS_IMPLICIT_KEY" ? `; a value with ":" in it needs quotes` : "";
    throw new AiwError("CONFIG_INVALID", `${at(problem.pos[0])}: ${problem.message}${hint}`);
  }
  const root = document.contents;
  if (root !== null && !isMap(root)) {
    throw new AiwError("CONFIG_INVALID", `${at(root.range?.[0] ?? 0)}: not a mapping of settings`);
  }
  const lineOf = new Map<string, string>();
  const values: Record<string, unknown> = {};
  for (const { key, value } of root?.items ?? []) {
    const name = nameOf(key);
    const place = at((isScalar(key) ? key.range?.[0] : undefined) ?? 0);
    if (!(name in SETTINGS)) {
      const known = Object.keys(SETTINGS).join(", ");
      throw new AiwError("CONFIG_INVALID", `${place}: unknown key "${name}"; known are ${known}`);
    }
    lineOf.set(name, place);
    for (const [index, item] of isSeq(value) ? value.items.entries() : []) {
      if (isNode(item) && item.range) lineOf.set(`${name}[${index}]`, at(item.range[0]));
    }
    values[name] = valueOf(value);
  }
  anchorPaths(values, dirname(path));
  return {
    path,
    values,
    errorCode: "CONFIG_INVALID",
    describe: (name: SettingName, item?: number) =>
      `${lineOf.get(`${name}[${item}]`) ?? lineOf.get(name) ?? basename(path)}: ${name}`,
  };
}

/**
 * The text of a configuration file without some of its settings, which says the same wherever it lies.
 * @returns undefined where it gives none of them, or is not a mapping
 */
export function withoutSettings(
  { path, content }: ConfigText,
  names: readonly SettingName[],
): string | undefined {
  const { contents: root, errors } = parseDocument(content, { prettyErrors: false });
  if (errors.length > 0 || !isMap(root)) return undefined;
  const values = Object.fromEntries(root.items.map(({ key, value }) => [nameOf(key), valueOf(value)]));
  if (!names.some((name) => name in values)) return undefined;
  for (const name of names) values[name] = undefined;
  anchorPaths(values, dirname(path));
  return stringify(values);
}

function nameOf(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function valueOf(value: unknown): unknown {
  return (value as { toJSON?(): unknown } | null)?.toJSON?.() ?? undefined;
}

/**
 * Makes relative paths refer to the file's own folder, wherever the command is typed. A model is left
 * as it is when it is named to a worker that runs elsewhere. What run and bench write goes to where they are run.
 */
function anchorPaths(values: Record<string, unknown>, folder: string): void {
  const anchor = (value: unknown) =>
    typeof value === "string" && value !== "" && value !== "-" && !/^[a-z][a-z0-9+.-]+:/i.test(value)
      ? resolve(folder, value)
      : value;
  if (values.worker === undefined) values.model = anchor(values.model);
  for (const name of ["source", "calibrate", "token_file", "tls_ca", "tls_cert", "tls_key", "sessions_dir"]) {
    const given = values[name];
    if (given !== undefined) values[name] = eachOf(given, anchor);
  }
  if (values.events !== undefined)
    values.events = eachOf(values.events, (output) => anchorOutput(output, anchor));
  const { cameras } = values;
  if (typeof cameras === "object" && cameras !== null && !Array.isArray(cameras)) {
    values.cameras = Object.fromEntries(
      Object.entries(cameras).map(([name, uri]) => [name, uri === "default" ? uri : anchor(uri)]),
    );
  }
}

function eachOf(given: unknown, change: (value: unknown) => unknown): unknown {
  return Array.isArray(given) ? given.map(change) : change(given);
}

/** "ndjson:FILE", which may have "#events=LIST" behind it; what is not a file is named by a URL. */
function anchorOutput(output: unknown, anchor: (path: unknown) => unknown): unknown {
  const parts = typeof output === "string" ? /^(ndjson:)(.+?)(#events=[^#]*)?$/s.exec(output) : null;
  if (parts === null) return output;
  const [, kind = "", path, choice = ""] = parts;
  return `${kind}${String(anchor(path))}${choice}`;
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw new AiwError("CONFIG_INVALID", `${path} cannot be read (${systemCode(error)})`, { cause: error });
  }
}
