import { type Check, verdicts } from "./check.js";

const OLDEST_MAJOR = 20;

/** @param version as process.version has it: "v20.11.1" */
export function checkNode(version: string): Check {
  const { ok, failure } = verdicts("node", "Node.js");
  const major = Number(/^v(\d+)\./.exec(version)?.[1] ?? 0);
  const shown = version.replace(/^v/, "");
  if (major >= OLDEST_MAJOR) return ok(shown);
  return failure(
    `${shown} is too old: aiw needs ${OLDEST_MAJOR} or later`,
    `Install Node.js ${OLDEST_MAJOR} or later.`,
  );
}
