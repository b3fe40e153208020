import { printable } from "./printable.js";

/** pino's numbers, and the names that the worker's log has for them. */
const LEVEL_NAMES: ReadonlyMap<unknown, string> = new Map([
  [20, "debug"],
  [30, "info"],
  [40, "warning"],
  [50, "error"],
]);
const LEVEL_WIDTH = 7;

/** Fields that stand in every line, and tell people of one process nothing. */
const LEFT_OUT = new Set(["level", "time", "pid", "name", "msg", "stack"]);

/**
 * A line of JSON from pino as one for people, in the style of the worker's:
 * `14:30:55.605 info    message key=value`, the time in UTC; a stack trace stands in lines of its own below.
 */
export function prettyLine(json: string): string {
  const entry = JSON.parse(json) as Record<string, unknown>;
  const { level, time, msg, stack } = entry;
  const clock = new Date(Number(time)).toISOString().slice(11, 23);
  const fields = Object.entries(entry).flatMap(([key, value]) =>
    LEFT_OUT.has(key) ? [] : [` ${key}=${typeof value === "string" ? value : JSON.stringify(value)}`],
  );
  const name = LEVEL_NAMES.get(level) ?? String(level);
  const line = `${clock} ${name.padEnd(LEVEL_WIDTH)} ${String(msg)}${fields.join("")}`;
  const below = typeof stack === "string" ? stack.split("\n") : [];
  return [oneLine(line), ...below.map(printable)].map((one) => `${one}\n`).join("");
}

function oneLine(text: string): string {
  return printable(text.replace(/\s*[\r\n]+\s*/g, " "));
}
