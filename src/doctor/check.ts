import { toAiwError } from "../core/errors.js";

export type Status = "ok" | "warning" | "failure";

/** One thing about this machine that was looked at. */
export interface Check {
  /** Stable, for machines. */
  readonly id: string;
  /** For people, in the place of a label. */
  readonly title: string;
  readonly status: Status;
  /** What was found; one line. */
  readonly detail: string;
  /** How to mend it; every warning and failure has one. */
  readonly advice?: string;
}

/** What a group of checks can say under its own name. */
export interface Verdicts {
  ok(detail: string): Check;
  warning(detail: string, advice: string): Check;
  failure(detail: string, advice: string): Check;
  /** A failure of what was thrown, with the advice of its code. @param advice where the code has none */
  failed(thrown: unknown, advice?: string): Check;
}

export function verdicts(id: string, title: string): Verdicts {
  const failure = (detail: string, advice: string): Check => ({
    id,
    title,
    status: "failure",
    detail,
    advice,
  });
  return {
    ok: (detail) => ({ id, title, status: "ok", detail }),
    warning: (detail, advice) => ({ id, title, status: "warning", detail, advice }),
    failure,
    failed: (thrown, advice = "") => {
      const error = toAiwError(thrown);
      return failure(error.message, error.advice || advice);
    },
  };
}

/** What to do where something needs a Python and there is none, or none yet. */
export const NEEDS_PYTHON =
  "Mend Python first; where nothing is wrong with it, aiw init makes the environment.";

/** What all checks come to: the worst of them. */
export function worst(checks: readonly Check[]): Status {
  const has = (status: Status) => checks.some((check) => check.status === status);
  return has("failure") ? "failure" : has("warning") ? "warning" : "ok";
}

/** Problems that one line names. */
const NAMED = 4;

/** The first few problems of one thing, as a line. */
export function listed(problems: readonly string[]): string {
  const more = problems.length > NAMED ? `; and ${problems.length - NAMED} more` : "";
  return `${problems.slice(0, NAMED).join("; ")}${more}`;
}
