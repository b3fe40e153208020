/** What is wrong with a command line; completes the sentence "--against …" (or of another flag), and holds nothing of its words. */
export class CommandLineError extends Error {
  override readonly name = "CommandLineError";
}

/** What only a shell understands, where it is a word or begins one without quotes. */
const SHELL_ONLY = /^(?:\||&&?$|;|\d*[<>]|\$\(|`)|;$/;

/**
 * Splits a command line into words as a POSIX shell does, and runs none: quotes and backslashes mean what
 * they mean there, and nothing is expanded.
 * @throws CommandLineError for a quote that does not end, and for what would need a shell
 */
export function splitCommandLine(text: string): string[] {
  const words: string[] = [];
  let word: { text: string; raw: string } | undefined;
  let at = 0;
  const end = () => {
    if (word === undefined) return;
    const [operator] = SHELL_ONLY.exec(word.raw) ?? [];
    if (operator !== undefined) {
      throw new CommandLineError(`is not run by a shell, which ${operator} would need`);
    }
    words.push(word.text);
    word = undefined;
  };
  while (at < text.length) {
    const { kind, value, length } = nextPiece(text, at);
    at += length;
    if (kind === "space") {
      end();
      continue;
    }
    word ??= { text: "", raw: "" };
    word.text += value;
    // What was quoted is no operator, whatever it looks like.
    word.raw += kind === "plain" ? value : "'";
  }
  end();
  return words;
}

interface Piece {
  readonly kind: "space" | "plain" | "quoted";
  readonly value: string;
  /** Of the text that it was written as. */
  readonly length: number;
}

function nextPiece(text: string, at: number): Piece {
  const rest = text.slice(at);
  const space = /^\s+/.exec(rest)?.[0];
  if (space !== undefined) return { kind: "space", value: "", length: space.length };
  const [first = ""] = rest;
  if (first === "\\") {
    if (rest.length < 2) throw new CommandLineError("ends with a backslash that nothing follows");
    return { kind: "quoted", value: rest.charAt(1), length: 2 };
  }
  if (first === "'" || first === '"') {
    const quoted = (first === "'" ? /^'([^']*)'/ : /^"((?:[^"\\]|\\[^])*)"/).exec(rest);
    if (quoted === null) {
      throw new CommandLineError(`has a quote (${first}) at character ${at + 1} that does not end`);
    }
    const [whole, inner = ""] = quoted;
    // Within double quotes a backslash counts before these only.
    const value = first === "'" ? inner : inner.replace(/\\([\\"$`])/g, "$1");
    return { kind: "quoted", value, length: whole.length };
  }
  return { kind: "plain", value: first, length: 1 };
}
