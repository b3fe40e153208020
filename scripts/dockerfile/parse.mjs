// Reads what docker build reads: a Dockerfile and .dockerignore. No file is touched.

/**
 * The stages of a Dockerfile.
 * @returns {{base: string, name: string, steps: {instruction: string, flags: Record<string, string>, text: string}[]}[]}
 * @throws Error for a step before the first FROM
 */
export function parseDockerfile(text) {
  const stages = [];
  for (const line of logicalLines(text)) {
    const [, instruction = "", rest = ""] = /^(\w+)\s+(.*)$/s.exec(line) ?? [];
    const name = instruction.toUpperCase();
    if (name === "FROM") {
      const [base, , alias] = rest.split(/\s+/);
      stages.push({ base, name: alias ?? String(stages.length), steps: [] });
      continue;
    }
    const stage = stages.at(-1);
    if (stage === undefined) throw new Error(`before any FROM: ${line}`);
    stage.steps.push({ instruction: name, ...flagsOf(rest) });
  }
  return stages;
}

/** Lines without comments, each with those that its backslashes join to it. */
function logicalLines(text) {
  const lines = text.split("\n").filter((line) => !/^\s*#/.test(line));
  return lines
    .join("\n")
    .replace(/\\\n\s*/g, "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** `--from=build a b` is { from: "build" } and "a b". */
function flagsOf(rest) {
  const flags = {};
  let text = rest;
  for (let match; (match = /^--([\w-]+)=(\S+)\s+/.exec(text)) !== null; text = text.slice(match[0].length)) {
    flags[match[1]] = match[2];
  }
  return { flags, text };
}

/** The words of `["python", "-m"]`. @throws Error for the shell's form, in which signals would reach the shell */
export function execForm(text) {
  if (!text.startsWith("[")) throw new Error(`not in exec form: ${text}`);
  return JSON.parse(text);
}

/** `A=1 B=/x:/y`, as ENV has it; no value of ours has a space in it. */
export function pairs(text) {
  return Object.fromEntries(
    text.split(/\s+/).map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
  );
}

/**
 * What .dockerignore leaves of the build's context: the last pattern that fits a path, or a folder above it, decides.
 * @returns {(path: string) => boolean} whether a path, relative and with slashes, is sent to the engine
 */
export function contextFilter(text) {
  const rules = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({ keeps: line.startsWith("!"), pattern: patternOf(line.replace(/^!/, "")) }));
  return (path) => rules.reduce((kept, { keeps, pattern }) => (pattern.test(path) ? keeps : kept), true);
}

function patternOf(glob) {
  const source = glob
    .replace(/[.+^${}()|[\]]/g, "\\$&")
    .replace(/\*\*\//g, "\0")
    .replace(/\*/g, "[^/]*")
    .replace(/\?/g, "[^/]")
    .replaceAll("\0", "(?:.*/)?");
  return new RegExp(`^${source}(?:/|$)`);
}

/** A value of docker-compose.yml with no variable set: "${NAME:-7001}" is 7001. */
export function defaulted(value) {
  return String(value).replace(/\$\{\w+:-([^}]*)\}/g, "$1");
}
