import { isSecretName, MASK, maskSecrets } from "../core/mask.js";
import { streamName } from "../source/stream-name.js";

const URL = /[a-z][a-z0-9+.-]*:\/\/.*$/is;
/** "NAME=", "--name=", "Name: ". */
const NAMED = /([\w.-]+)["']?(?:=|:\s)\s*/g;

/**
 * A command line as reports, logs and errors may show it: as it would be typed, and with *** in the place
 * of credentials. A URL is shown as the name of its stream, and the value of a secret's name not at all.
 */
export function shownCommand(words: readonly string[]): string {
  return words.map((word, at) => quoted(shownWord(word, words[at - 1]))).join(" ");
}

/** The values that `shownCommand` hides, of the words and of a program's own variables. */
export function secretsOf(words: readonly string[], env: Readonly<Record<string, string>> = {}): string[] {
  const assigned = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return [...words, ...assigned].flatMap((word, at) => {
    const url = URL.exec(word)?.[0];
    const value = hiddenFrom(word);
    return [
      ...(url === undefined ? [] : secretsOfUrl(url)),
      ...(value === undefined ? [] : [word.slice(value)]),
      ...(isValueOfSecret(word, words[at - 1]) ? [word] : []),
    ];
  });
}

function shownWord(word: string, before: string | undefined): string {
  if (isValueOfSecret(word, before)) return MASK;
  const shown = maskSecrets(word.replace(URL, streamName));
  const from = hiddenFrom(shown);
  return from === undefined ? shown : `${shown.slice(0, from)}${MASK}`;
}

/** True for what follows "--token". */
function isValueOfSecret(word: string, before = ""): boolean {
  return /^--?[\w.-]+$/.test(before) && isSecretName(before) && !word.startsWith("-");
}

/** Where the value begins that belongs to a secret's name; all of the word from there on is taken for it. */
function hiddenFrom(word: string): number | undefined {
  for (const { 0: found, index, 1: name = "" } of word.matchAll(NAMED)) {
    if (isSecretName(name)) return index + found.length;
  }
  return undefined;
}

/** The URL itself, what stands before its host, and what its query gives to names of secrets. */
function secretsOfUrl(url: string): string[] {
  if (streamName(url) === url) return [];
  const [, user = ""] = /:\/\/(.*)@/s.exec(url) ?? [];
  const [, query = ""] = /\?(.*)$/s.exec(url) ?? [];
  const values = query.split(/[&;]/).flatMap((pair) => {
    const [name = "", ...value] = pair.split("=");
    return isSecretName(name) ? [value.join("=")] : [];
  });
  return [url, user, user.slice(user.indexOf(":") + 1), ...values].filter((value) => value !== "");
}

function quoted(word: string): string {
  const isPlain = /^[\w@%+=:,./-]+$/.test(word.replaceAll(MASK, "_"));
  return isPlain ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
